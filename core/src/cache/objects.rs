//! The objects of a store in their slots, shared with whoever lists them.
//!
//! Invariant: an [`Objects`] never changes once it is handed out. The store changes its own: in place what nobody else
//! holds, else a copy of the block it is in. So a list of everything is one count more, whatever there is, and a clone of
//! the store counts blocks, not objects.

use std::fmt;
use std::slice;
use std::sync::Arc;

/// So many slots are copied together, where a change meets a list that is still held: they and the list of all blocks.
const BLOCK: usize = 128;

type Block<T> = [Option<Arc<T>>; BLOCK];

/// Objects of a store as they were at one moment. They are shared with the store, so that having them costs nothing for
/// each, and the store goes on without waiting. What it replaces meanwhile is freed when they are dropped.
pub struct Objects<T> {
    /// Only the last one may have slots that were never used.
    blocks: Arc<Vec<Arc<Block<T>>>>,
    len: usize,
}

impl<T> Objects<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Each, in an order that is the same for the same history.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { blocks: self.blocks.iter(), slots: [].iter(), left: self.len }
    }
}

/// Each of some [`Objects`], by [`Objects::iter`].
pub struct Iter<'a, T> {
    blocks: slice::Iter<'a, Arc<Block<T>>>,
    slots: slice::Iter<'a, Option<Arc<T>>>,
    left: usize,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a Arc<T>;

    fn next(&mut self) -> Option<&'a Arc<T>> {
        loop {
            if let Some(object) = self.slots.find_map(Option::as_ref) {
                self.left -= 1;
                return Some(object);
            }
            self.slots = self.blocks.next()?.iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<'a, T> IntoIterator for &'a Objects<T> {
    type Item = &'a Arc<T>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> FromIterator<Arc<T>> for Objects<T> {
    fn from_iter<I: IntoIterator<Item = Arc<T>>>(objects: I) -> Self {
        let mut slots = Slots::default();
        for object in objects {
            slots.insert(object);
        }
        slots.objects
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self { blocks: Arc::default(), len: 0 }
    }
}

/// Shares them.
impl<T> Clone for Objects<T> {
    fn clone(&self) -> Self {
        Self { blocks: self.blocks.clone(), len: self.len }
    }
}

/// How many there are, never the objects.
impl<T> fmt::Debug for Objects<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Objects by slot, to change: a slot that was left is the next to be taken.
pub(super) struct Slots<T> {
    objects: Objects<T>,
    vacant: Vec<u32>,
}

impl<T> Slots<T> {
    /// What is there now.
    pub(super) fn objects(&self) -> &Objects<T> {
        &self.objects
    }

    /// The slots that are taken and their objects, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Arc<T>)> {
        let slots = self.objects.blocks.iter().flat_map(|block| block.iter());
        (0..).zip(slots).filter_map(|(slot, object)| Some((slot, object.as_ref()?)))
    }

    /// The objects in these slots, all of which are taken.
    pub(super) fn of<'a>(&'a self, slots: &'a [u32]) -> Of<'a, T> {
        Of { slots: slots.iter(), blocks: &self.objects.blocks }
    }

    /// Every object, taken out.
    pub(super) fn into_objects(self) -> Vec<Arc<T>> {
        let blocks = Arc::unwrap_or_clone(self.objects.blocks);
        blocks.into_iter().flat_map(Arc::unwrap_or_clone).flatten().collect()
    }

    /// One more than the highest slot that was ever taken.
    pub(super) fn end(&self) -> usize {
        self.objects.len + self.vacant.len()
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Arc<T>> {
        object_in(&self.objects.blocks, slot)
    }

    /// Puts an object into a slot that was vacant; which one.
    pub(super) fn insert(&mut self, object: Arc<T>) -> u32 {
        let slot = self.vacant.pop().unwrap_or(self.objects.len as u32);
        if slot as usize == self.objects.blocks.len() * BLOCK {
            Arc::make_mut(&mut self.objects.blocks).push(Arc::new([const { None }; BLOCK]));
        }
        self.set(slot, Some(object));
        self.objects.len += 1;
        slot
    }

    /// Puts an object into a slot that is taken, and gives what was there.
    pub(super) fn replace(&mut self, slot: u32, object: Arc<T>) -> Option<Arc<T>> {
        self.set(slot, Some(object))
    }

    /// Leaves a slot.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Arc<T>> {
        let object = self.set(slot, None)?;
        self.vacant.push(slot);
        self.objects.len -= 1;
        Some(object)
    }

    fn set(&mut self, slot: u32, object: Option<Arc<T>>) -> Option<Arc<T>> {
        let slot = slot as usize;
        let block = Arc::make_mut(&mut self.objects.blocks).get_mut(slot / BLOCK)?;
        std::mem::replace(&mut Arc::make_mut(block)[slot % BLOCK], object)
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { objects: Objects::default(), vacant: Vec::new() }
    }
}

/// The objects in some slots, by [`Slots::of`].
pub(super) struct Of<'a, T> {
    slots: slice::Iter<'a, u32>,
    blocks: &'a [Arc<Block<T>>],
}

impl<'a, T> Iterator for Of<'a, T> {
    type Item = &'a Arc<T>;

    fn next(&mut self) -> Option<&'a Arc<T>> {
        self.slots.find_map(|&slot| object_in(self.blocks, slot))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

fn object_in<T>(blocks: &[Arc<Block<T>>], slot: u32) -> Option<&Arc<T>> {
    let slot = slot as usize;
    blocks.get(slot / BLOCK)?[slot % BLOCK].as_ref()
}

/// Shares the objects.
impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        Self { objects: self.objects.clone(), vacant: self.vacant.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(objects: &Objects<u32>) -> Vec<u32> {
        assert_eq!(objects.iter().len(), objects.len());
        objects.iter().map(|object| **object).collect()
    }

    #[test]
    fn what_was_listed_stays_as_it_was_and_the_rest_is_shared() {
        let mut slots = Slots::default();
        let many = 3 * BLOCK as u32;
        for number in 0..many {
            assert_eq!(slots.insert(Arc::new(number)), number);
        }
        let listed = slots.objects().clone();
        assert_eq!(slots.remove(1).as_deref(), Some(&1));
        assert_eq!(slots.remove(1), None);
        assert_eq!(slots.replace(0, Arc::new(many)).as_deref(), Some(&0));
        assert_eq!(slots.insert(Arc::new(many + 1)), 1, "the slot that was left");
        assert_eq!(slots.insert(Arc::new(many + 2)), many, "a new block");
        assert_eq!(held(&listed), (0..many).collect::<Vec<_>>());
        let now = [many, many + 1].into_iter().chain(2..many).chain([many + 2]);
        assert_eq!(held(slots.objects()), now.collect::<Vec<_>>());
        let shared = |block: usize| Arc::ptr_eq(&listed.blocks[block], &slots.objects().blocks[block]);
        assert_eq!([0, 1, 2].map(shared), [false, true, true]);
    }

    #[test]
    fn what_nobody_else_holds_is_changed_in_place_and_what_was_replaced_goes_with_the_last_who_holds_it() {
        let mut slots: Slots<u32> = Slots::default();
        let first = Arc::new(1);
        slots.insert(first.clone());
        let block = Arc::as_ptr(&slots.objects().blocks[0]);
        slots.insert(Arc::new(2));
        assert_eq!(Arc::as_ptr(&slots.objects().blocks[0]), block);
        let listed = slots.objects().clone();
        slots.remove(0);
        assert_eq!(Arc::strong_count(&first), 2);
        drop(listed);
        assert_eq!(Arc::strong_count(&first), 1);
        assert_eq!(slots.iter().map(|(slot, object)| (slot, **object)).collect::<Vec<_>>(), [(1, 2)]);
        assert_eq!(slots.of(&[1]).map(|object| **object).collect::<Vec<_>>(), [2]);
        assert_eq!(slots.into_objects(), [Arc::new(2)]);
    }

    #[test]
    fn objects_can_be_collected() {
        let many = BLOCK as u32 + 1;
        let objects: Objects<u32> = (0..many).map(Arc::new).collect();
        assert_eq!(held(&objects), (0..many).collect::<Vec<_>>());
        assert!(!objects.is_empty() && Objects::<u32>::default().is_empty());
        assert_eq!((&objects).into_iter().count(), many as usize);
        assert_eq!(format!("{objects:?}"), format!("Objects {{ len: {many}, .. }}"));
    }
}
