//! Training utterances as vectors of equal length.

use anyhow::{Result, ensure};
use ndarray::Array2;

/// Vectors and their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    /// `[utterances][coefficients]`.
    pub vectors: Vec<Vec<f64>>,
    /// The class of each vector, below [`Vectors::labels`].
    pub classes: Vec<usize>,
    /// Number of classes.
    pub labels: usize,
}

impl Vectors {
    /// The vectors as the rows of a matrix.
    ///
    /// # Errors
    ///
    /// If there is no vector, or the vectors have no coefficient or differ in length.
    pub fn matrix(&self) -> Result<Array2<f64>> {
        let width = self.vectors.first().map_or(0, Vec::len);
        ensure!(
            width > 0,
            "wanted at least one vector of at least one coefficient, {} of length {width} came",
            self.vectors.len()
        );
        Ok(Array2::from_shape_vec((self.vectors.len(), width), self.vectors.concat())?)
    }

    /// The vectors of two classes.
    pub fn of_classes(&self, (first, second): (usize, usize)) -> Self {
        let both = self.vectors.iter().zip(&self.classes).filter(|(_, class)| **class == first || **class == second);
        let (vectors, classes) = both.map(|(vector, class)| (vector.clone(), *class)).unzip();
        Self { vectors, classes, labels: self.labels }
    }
}
