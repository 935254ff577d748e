//! Mean of all rows since the start: of hidden states, or of the codes of a convolution or pool.

/// After this many steps sums and count are halved, so that a sum of int16 never leaves int32. From then on older rows
/// count less and less.
const MAX_STEPS: u32 = 1 << 16;

/// A code counts this many times in a mean, so that the mean of many codes is not rounded to a code. The difference of
/// two codes times this fits an i16.
const CODE_STEPS: i16 = 1 << 7;

/// Parameters of a time mean.
#[derive(Clone, Copy, Debug)]
pub struct TimeMean {
    /// Values of a row.
    pub(crate) len: usize,
    /// Code that stands for zero; 0 for hidden states.
    pub(crate) zero_point: i8,
}

/// State of a time mean between rows.
#[derive(Debug)]
pub struct TimeMeanState<'s> {
    /// Sum of the rows, `[len]`.
    pub sum: &'s mut [i32],
    /// Rows in the sum.
    pub count: &'s mut u32,
}

impl TimeMean {
    /// A mean of rows of this many values, whose codes, if they are codes, have 0 as their zero point.
    pub const fn new(len: usize) -> Self {
        Self { len, zero_point: 0 }
    }

    /// Sets the state to that before the first row.
    pub fn reset(&self, state: &mut TimeMeanState<'_>) {
        state.sum.fill(0);
        *state.count = 0;
    }

    /// Whether some sequence of rows leads to this state.
    pub fn is_possible(&self, state: &TimeMeanState<'_>) -> bool {
        *state.count <= MAX_STEPS && state.sum.iter().all(|sum| i64::from(*sum).abs() <= i64::from(*state.count) << 15)
    }

    /// Takes one row of codes, `[len]`, as `128 · (code - zero point)`.
    pub fn push_codes(&self, state: &mut TimeMeanState<'_>, row: &[i8]) {
        let zero = i16::from(self.zero_point);
        self.add(state, row.iter().map(|code| (i16::from(*code) - zero) * CODE_STEPS));
    }

    /// Takes one row, `[len]`.
    pub fn push(&self, state: &mut TimeMeanState<'_>, row: &[i16]) {
        self.add(state, row.iter().copied());
    }

    fn add(&self, state: &mut TimeMeanState<'_>, row: impl Iterator<Item = i16>) {
        if *state.count >= MAX_STEPS {
            *state.count /= 2;
            state.sum.iter_mut().for_each(|sum| *sum /= 2);
        }
        *state.count += 1;
        state.sum.iter_mut().zip(row).for_each(|(sum, x)| *sum = sum.saturating_add(i32::from(x)));
    }

    /// Writes `floor(sum / count + 1/2)` to `mean`, `[len]`. False if there was no row.
    pub fn mean(&self, state: &TimeMeanState<'_>, mean: &mut [i16]) -> bool {
        let count = i32::try_from(*state.count).unwrap_or(i32::MAX);
        if count == 0 {
            return false;
        }
        for (mean, sum) in mean.iter_mut().zip(state.sum.iter()) {
            // In 32 bits, because a microcontroller has no 64-bit division: floor(sum / count), and 1 more if the
            // remainder is at least a half.
            let (whole, left) = (sum.div_euclid(count), sum.rem_euclid(count));
            *mean = whole.wrapping_add(i32::from(left >= count - left)) as i16;
        }
        true
    }
}
