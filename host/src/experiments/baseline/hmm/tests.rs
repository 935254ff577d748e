use super::*;
use rand::RngExt;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

/// Sequences of two coefficients that rise or fall, with noise.
fn sequences(slope: f64, count: usize, rng: &mut ChaCha8Rng) -> Vec<Sequence> {
    let mut noise = || rng.random_range(-0.4..0.4);
    (0..count).map(|_| (0..12).map(|t| vec![slope * (f64::from(t) - 5.5) + noise(), noise()]).collect()).collect()
}

/// All sequences of `length` states.
fn paths(states: usize, length: usize) -> Vec<Vec<usize>> {
    (0..length).fold(vec![Vec::new()], |paths, _| {
        let longer = |path: Vec<usize>| (0..states).map(move |state| [path.clone(), vec![state]].concat());
        paths.into_iter().flat_map(longer).collect()
    })
}

#[test]
fn a_likelihood_is_the_sum_over_all_paths_of_states() {
    let mut rng = rng();
    let sequences = sequences(0.3, 4, &mut rng);
    let model = Hmm::fit(&sequences.iter().collect::<Vec<_>>(), Shape { states: 3, components: 2 }, &mut rng);
    let sequence = &sequences[0][..5];
    let of_path = |path: &Vec<usize>| -> f64 {
        let begin = if path[0] == 0 { 1.0 } else { 0.0 };
        let transitions: f64 = path.windows(2).map(|pair| model.log_transitions[pair[0]][pair[1]].exp()).product();
        let densities: f64 = path
            .iter()
            .zip(sequence)
            .map(|(state, frame)| model.states[*state].log_densities(frame).iter().map(|log| log.exp()).sum::<f64>())
            .product();
        begin * transitions * densities
    };
    let sum: f64 = paths(3, 5).iter().map(of_path).sum();
    let found = model.log_likelihood(sequence);
    assert!((found - sum.ln()).abs() < 1e-9, "{found}, wanted {}", sum.ln());
}

#[test]
fn re_estimation_never_makes_the_training_sequences_less_likely() {
    for shape in
        [Shape { states: 1, components: 4 }, Shape { states: 3, components: 2 }, Shape { states: 5, components: 1 }]
    {
        let mut rng = rng();
        let sequences = sequences(0.3, 10, &mut rng);
        let sequences: Vec<&Sequence> = sequences.iter().collect();
        let mut model = Hmm::seeded(&sequences, shape, &mut rng);
        let total = |model: &Hmm| sequences.iter().map(|sequence| model.log_likelihood(sequence)).sum::<f64>();
        let first = total(&model);
        for step in 0..30 {
            let next = model.re_estimated(&sequences);
            assert!(
                total(&next) >= total(&model) - 1e-9,
                "{shape:?}, step {step}: {} after {}",
                total(&next),
                total(&model)
            );
            model = next;
        }
        assert!(total(&model) > first + 1.0, "{shape:?}: {} after {first}", total(&model));
    }
}

#[test]
fn transitions_are_probabilities_and_never_lead_back() {
    let mut rng = rng();
    let sequences = sequences(0.3, 6, &mut rng);
    let model = Hmm::fit(&sequences.iter().collect::<Vec<_>>(), Shape { states: 4, components: 1 }, &mut rng);
    for (from, row) in model.log_transitions.iter().enumerate() {
        assert!((row.iter().map(|a| a.exp()).sum::<f64>() - 1.0).abs() < 1e-9, "{row:?}");
        assert!(
            row.iter().enumerate().all(|(to, a)| to == from || to == from + 1 || *a == f64::NEG_INFINITY),
            "{row:?}"
        );
    }
}

#[test]
fn order_decides_for_states_and_not_for_one_mixture() {
    let mut rng = rng();
    let part = |count: usize, rng: &mut ChaCha8Rng| -> Vec<(Sequence, usize)> {
        [0.3, -0.3]
            .iter()
            .enumerate()
            .flat_map(|(class, slope)| sequences(*slope, count, rng).into_iter().map(move |s| (s, class)))
            .collect()
    };
    let (train, test) = (part(10, &mut rng), part(10, &mut rng));
    let right = |states: usize| {
        let sequences: Vec<Sequence> = test.iter().map(|(sequence, _)| sequence.clone()).collect();
        let labels = classify(&train, &sequences, 2, Shape { states, components: 1 }, 1);
        labels.iter().zip(&test).filter(|(label, (_, class))| *label == class).count()
    };
    assert_eq!(right(3), 20);
    assert!(right(1) < 16, "{}", right(1));
}

#[test]
fn sequences_shorter_than_the_states_and_frames_fewer_than_the_gaussians_are_no_obstacle() {
    let short: Vec<(Sequence, usize)> = vec![(vec![vec![0.0]], 0), (vec![vec![1.0]; 2], 1), (Vec::new(), 1)];
    let test = vec![vec![vec![0.1]], vec![vec![0.9]; 3], Vec::new()];
    assert_eq!(classify(&short, &test, 2, Shape { states: 5, components: 8 }, 1), [0, 1, 0]);
}
