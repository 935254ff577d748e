//! k nearest neighbours (Cover and Hart, 1967): the commonest class among the `k` training utterances nearest in
//! Euclidean distance.

use anyhow::Result;
use linfa_nn::distance::L2Dist;
use linfa_nn::{LinearSearch, NearestNeighbour};

use super::vectors::Vectors;

/// The numbers of neighbours to choose from; odd, so that two classes cannot tie.
const NEIGHBOURS: [usize; 7] = [1, 3, 5, 7, 9, 11, 15];

/// The class of each test vector. The number of neighbours is the one with the most right answers by leave-one-out over
/// the training vectors, the smallest of equal ones. There must be at least one training vector.
///
/// # Errors
///
/// If the vectors have no coefficient, or differ in length.
pub fn classify(train: &Vectors, test: &[Vec<f64>]) -> Result<Vec<usize>> {
    let matrix = train.matrix()?;
    let index = LinearSearch::new().from_batch(&matrix, L2Dist)?;
    // The classes of the nearest `count` utterances, nearest first, without `itself`.
    let nearest = |vector: &[f64], count: usize, itself: Option<usize>| -> Result<Vec<usize>> {
        let found = index.k_nearest(vector.into(), count + usize::from(itself.is_some()))?;
        let others = found.into_iter().map(|(_, place)| place).filter(|place| Some(*place) != itself);
        Ok(others.take(count).map(|place| train.classes[place]).collect())
    };
    let largest = NEIGHBOURS.iter().copied().max().unwrap_or(1);
    let mut right = NEIGHBOURS.map(|k| (k, 0usize));
    for (place, (vector, class)) in train.vectors.iter().zip(&train.classes).enumerate() {
        let classes = nearest(vector, largest, Some(place))?;
        right.iter_mut().for_each(|(k, right)| *right += usize::from(vote(classes.iter().take(*k)) == Some(*class)));
    }
    let k = right.iter().fold((1, 0), |best, entry| if entry.1 > best.1 { *entry } else { best }).0;
    test.iter().map(|vector| Ok(vote(nearest(vector, k, None)?.iter()).unwrap_or(0))).collect()
}

/// The commonest class; of equally common ones, that of the nearest. None for no classes.
fn vote<'a>(classes: impl Iterator<Item = &'a usize> + Clone) -> Option<usize> {
    let votes = |class: usize| classes.clone().filter(|other| **other == class).count();
    let most = classes.clone().map(|class| votes(*class)).max()?;
    classes.clone().copied().find(|class| votes(*class) == most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_goes_to_the_most_and_of_equals_to_the_nearest() {
        assert_eq!(vote([2, 1, 1].iter()), Some(1));
        assert_eq!(vote([2, 1, 1, 2].iter()), Some(2));
        assert_eq!(vote([].iter()), None);
    }

    #[test]
    fn a_stray_among_its_neighbours_is_outvoted() {
        let cluster = |centre: f64| (0..6).map(move |n| vec![centre + 0.1 * f64::from(n)]);
        let mut train = Vectors {
            vectors: cluster(0.0).chain(cluster(5.0)).collect(),
            classes: [[0; 6], [1; 6]].concat(),
            labels: 2,
        };
        train.classes[2] = 1;
        assert_eq!(classify(&train, &[vec![0.2], vec![5.2]]).unwrap(), [0, 1]);
    }
}
