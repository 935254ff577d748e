//! Products of packed blocks and vectors.

use crate::packed::SIDE;

/// The sums of a block while they are formed.
struct Sums {
    /// Where the processor has vectors: one sum for each byte of a group, so that the compiler makes vectors of them.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    lanes: [i32; SIDE * SIDE],
    /// Elsewhere: one sum for each row.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    rows: [i32; SIDE],
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
impl Sums {
    const ZERO: Self = Self { lanes: [0; SIDE * SIDE] };

    #[inline(always)]
    fn add(&mut self, group: &[u8; SIDE * SIDE], &[x0, x1, x2, x3]: &[i16; SIDE]) {
        let x = [x0, x2, x1, x3, x0, x2, x1, x3, x0, x2, x1, x3, x0, x2, x1, x3];
        for ((lane, w), x) in self.lanes.iter_mut().zip(group).zip(x) {
            *lane += i32::from(*w as i8) * i32::from(x);
        }
    }

    #[inline(always)]
    fn rows(self) -> [i32; SIDE] {
        let (rows, _) = self.lanes.as_chunks::<SIDE>();
        let mut sums = [0; SIDE];
        sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum = row.iter().sum());
        sums
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl Sums {
    const ZERO: Self = Self { rows: [0; SIDE] };

    #[inline(always)]
    fn add(&mut self, group: &[u8; SIDE * SIDE], &[x0, x1, x2, x3]: &[i16; SIDE]) {
        let product = |w: u8, x: i16| i32::from(w as i8) * i32::from(x);
        for (sum, &[w0, w2, w1, w3]) in self.rows.iter_mut().zip(group.as_chunks::<SIDE>().0) {
            *sum += product(w0, x0) + product(w1, x1) + product(w2, x2) + product(w3, x3);
        }
    }

    #[inline(always)]
    fn rows(self) -> [i32; SIDE] {
        self.rows
    }
}

/// The products of a packed block of four rows with the vector `x`.
pub fn four_rows(block: &[u8], x: &[i16]) -> [i32; SIDE] {
    let mut sums = Sums::ZERO;
    let (groups, _) = block.as_chunks::<{ SIDE * SIDE }>();
    let (quads, rest) = x.as_chunks::<SIDE>();
    let mut last = [0; SIDE];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    groups.iter().zip(quads.iter().chain(core::iter::once(&last))).for_each(|(group, quad)| sums.add(group, quad));
    sums.rows()
}

/// The products of a packed block of four rows with each vector of an interleaved pair, `[2][columns]`, columns a
/// multiple of 4.
pub fn four_rows_of_pair(block: &[u8], pair: &[i16]) -> [[i32; SIDE]; 2] {
    let (mut first, mut second) = (Sums::ZERO, Sums::ZERO);
    let (groups, _) = block.as_chunks::<{ SIDE * SIDE }>();
    let (quads, _) = pair.as_chunks::<SIDE>();
    for (group, quads) in groups.iter().zip(quads.as_chunks::<2>().0) {
        first.add(group, &quads[0]);
        second.add(group, &quads[1]);
    }
    [first.rows(), second.rows()]
}
