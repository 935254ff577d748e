//! Hands blocks of samples from the microphone's interrupt to the main loop, and back.
//!
//! Blocks go by reference through two queues, so no sample is copied and each block has one owner: the DMA, the
//! interrupt, or the main loop.

use core::mem;

use heapless::spsc::{Consumer, Producer, Queue};
use static_cell::ConstStaticCell;

/// Samples of a block: 16 ms at 16 kHz. A smaller block wakes the processor more often; a larger one takes more memory
/// and delays the answer.
pub const BLOCK_LEN: usize = 256;
/// The DMA holds two blocks, the main loop one, and one waits. The hop that takes most, behind a pause, takes a
/// Cortex-M4F of 64 MHz about 9 ms of 16, so no more need to wait for the listener. A main loop that does other things
/// needs a block for each 16 ms that they take.
const BLOCKS: usize = 4;

/// The samples that the DMA fills at a time.
pub type Block = [i16; BLOCK_LEN];

/// A block that is full.
pub struct Full {
    pub samples: &'static mut Block,
    /// Number of blocks lost before this one, because the main loop gave none back in time.
    pub lost: u32,
}

/// The interrupt's side.
pub struct Capture {
    full: Producer<'static, Full>,
    empty: Consumer<'static, &'static mut Block>,
    lost: u32,
}

/// The main loop's side.
pub struct Stream {
    full: Consumer<'static, Full>,
    empty: Producer<'static, &'static mut Block>,
}

/// Returns both sides, and the two blocks that the DMA starts with. May be called once.
pub fn new() -> (Capture, Stream, [&'static mut Block; 2]) {
    static MEMORY: ConstStaticCell<[Block; BLOCKS]> = ConstStaticCell::new([[0; BLOCK_LEN]; BLOCKS]);
    // A queue holds one item less than its length, so each has room for all blocks and never refuses one.
    static FULL: ConstStaticCell<Queue<Full, { BLOCKS + 1 }>> = ConstStaticCell::new(Queue::new());
    static EMPTY: ConstStaticCell<Queue<&'static mut Block, { BLOCKS + 1 }>> = ConstStaticCell::new(Queue::new());

    let (full_in, full_out) = FULL.take().split();
    let (empty_in, empty_out) = EMPTY.take().split();
    let mut stream = Stream { full: full_out, empty: empty_in };
    let [first, second, others @ ..] = MEMORY.take();
    for block in others {
        stream.give_back(block);
    }
    (Capture { full: full_in, empty: empty_out, lost: 0 }, stream, [first, second])
}

impl Capture {
    /// Sends a full block to the main loop and replaces it by an empty one. If the main loop holds all other blocks,
    /// the block stays, its samples are lost, and the loss is counted.
    pub fn exchange(&mut self, block: &mut &'static mut Block) {
        match self.empty.dequeue() {
            Some(empty) => {
                let full = Full { samples: mem::replace(block, empty), lost: mem::take(&mut self.lost) };
                _ = self.full.enqueue(full);
            }
            None => self.lost += 1,
        }
    }
}

impl Stream {
    /// The next full block, if there is one.
    pub fn receive(&mut self) -> Option<Full> {
        self.full.dequeue()
    }

    /// Whether no full block is waiting.
    pub fn is_empty(&self) -> bool {
        self.full.is_empty()
    }

    /// Gives a block back to the DMA.
    pub fn give_back(&mut self, block: &'static mut Block) {
        _ = self.empty.enqueue(block);
    }
}
