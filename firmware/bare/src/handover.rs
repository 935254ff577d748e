//! Blocks of samples from the microphone's interrupt to the main loop, and back.
//!
//! They go by reference through two queues, so no sample is copied and each block has one owner: the DMA, the
//! interrupt, or the main loop.

use core::mem;

use heapless::spsc::{Consumer, Producer, Queue};
use static_cell::ConstStaticCell;

/// Samples of a block: 16 ms at 16 kHz. Fewer wake the processor more often, more take memory and time until an answer.
pub const BLOCK_LEN: usize = 256;
/// Two are the DMA's. The others are the time that the main loop may take for one, here up to 4 × 16 ms.
const BLOCKS: usize = 6;

/// What the DMA fills.
pub type Block = [i16; BLOCK_LEN];

/// A block that is full.
pub struct Full {
    pub samples: &'static mut Block,
    /// So many blocks before this one are missing, because the main loop gave none back in time.
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

/// Both sides, and the two blocks that the DMA begins with. To be called once.
pub fn new() -> (Capture, Stream, [&'static mut Block; 2]) {
    static MEMORY: ConstStaticCell<[Block; BLOCKS]> = ConstStaticCell::new([[0; BLOCK_LEN]; BLOCKS]);
    // A queue holds one item less than its length, so in each there is room for all blocks and nothing is ever refused.
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
    /// Sends the block, which is full, to the main loop, and puts an empty one into its place. If the main loop holds
    /// all others, this one stays, its samples are lost, and that is counted.
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
    /// The next block, if one is there.
    pub fn receive(&mut self) -> Option<Full> {
        self.full.dequeue()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.full.is_empty()
    }

    /// Makes a block that was heard available to the DMA again.
    pub fn give_back(&mut self, block: &'static mut Block) {
        _ = self.empty.enqueue(block);
    }
}
