//! A bounded number of something scarce, handed on in the order it was asked for.
//!
//! Invariant: at most `limit` [`Slot`]s exist at once; a slot whose taker is gone goes to the next in line.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures::channel::oneshot;

/// The scarce thing.
#[derive(Debug)]
pub(super) struct Slots {
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    waiting: VecDeque<oneshot::Sender<Slot>>,
}

/// One of them; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Rc<Slots>,
}

impl Slots {
    pub(super) fn new(limit: usize) -> Rc<Self> {
        Rc::new(Self { state: RefCell::new(State { free: limit, waiting: VecDeque::new() }) })
    }

    /// One that is free now.
    pub(super) fn try_acquire(self: &Rc<Self>) -> Option<Slot> {
        let mut state = self.state.borrow_mut();
        state.free = state.free.checked_sub(1)?;
        Some(Slot { slots: self.clone() })
    }

    /// One as soon as it is free. Dropping the future gives up the place in the line.
    pub(super) async fn acquire(self: &Rc<Self>) -> Slot {
        loop {
            if let Some(slot) = self.try_acquire() {
                return slot;
            }
            let (sender, receiver) = oneshot::channel();
            self.state.borrow_mut().waiting.push_back(sender);
            if let Ok(slot) = receiver.await {
                return slot;
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let next = self.slots.state.borrow_mut().waiting.pop_front();
        match next {
            // A slot that is refused comes back as an error, is dropped here, and so goes to the next in line.
            Some(next) => drop(next.send(Slot { slots: self.slots.clone() })),
            None => self.slots.state.borrow_mut().free += 1,
        }
    }
}
