//! Threads: some messages have replies, which come soon after them.

use super::places::Spot;

/// The first of so many messages may start a thread.
pub const BLOCK: u64 = 8;

/// The position of the message that this one replies to.
pub fn parent_position(spot: &Spot) -> Option<u64> {
    let (block, nth) = (spot.position / BLOCK, spot.position % BLOCK);
    (1..=replies_of_block(block)).contains(&nth).then_some(block * BLOCK)
}

/// How many replies this message has.
pub fn reply_count(spot: &Spot) -> u64 {
    if !spot.position.is_multiple_of(BLOCK) {
        return 0;
    }
    replies_of_block(spot.position / BLOCK).min(spot.length - 1 - spot.position)
}

fn replies_of_block(block: u64) -> u64 {
    if block.is_multiple_of(3) { 1 + block % 4 } else { 0 }
}
