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

/// The first `most` of `items` by `order`; those that are equal stay as they are to each other.
pub(super) fn first<T>(items: Vec<T>, most: usize, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let places = first_places(items.len(), most, &|left, right| order(&items[left], &items[right]));
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    places.into_iter().filter_map(|place| items[place].take()).collect()
}

/// The places of the first `most` of `count`.
fn first_places(count: usize, most: usize, order: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let order = |left: usize, right: usize| order(left, right).then(left.cmp(&right));
    let mut places: Vec<usize> = (0..count).collect();
    if count > most {
        places.select_nth_unstable_by(most, |&left, &right| order(left, right));
        places.truncate(most);
    }
    sort_places(&mut places, &order);
    places
}

/// Sorts `places` by what lies at them.
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
            for most in [0, 5, count, count + 1] {
                let first = first(items.clone(), most, |left, right| left.0.cmp(&right.0));
                assert_eq!(first, expected[..most.min(count)]);
            }
            sort(&mut items, |left, right| left.0.cmp(&right.0));
            assert_eq!(items, expected);
        }
    }
}
