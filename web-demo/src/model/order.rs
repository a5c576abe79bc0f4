//! Sorting. The library's own sort is compiled again for each type of item and each order, 3 KB at a time; here what is
//! sorted are places, whatever lies at them.

use std::cmp::Ordering;

/// Sorts `items` by `order`; those that are equal stay as they are to each other.
pub(super) fn sort<T>(items: &mut [T], order: impl Fn(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..items.len()).collect();
    sort_places(&mut places, &|left, right| order(&items[left], &items[right]));
    for at in 0..items.len() {
        let mut from = places[at];
        // What lay there has given way to an item that is in its place by now.
        while from < at {
            from = places[from];
        }
        items.swap(at, from);
    }
}

/// The same of `places`, by what lies at them.
pub(super) fn sort_places(places: &mut [usize], order: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|&left, &right| order(left, right));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_as_the_library_does() {
        for count in 0..40_usize {
            let mut items: Vec<(usize, usize)> = (0..count).map(|place| (place * 7 % 11, place)).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(rank, _)| *rank);
            sort(&mut items, |left, right| left.0.cmp(&right.0));
            assert_eq!(items, expected);
        }
    }
}
