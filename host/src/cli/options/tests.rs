use super::*;
use ser_core::spec::{LevelMode, edge, paper};
use serde_json::json;

/// Options with a recipe file of this content.
fn with_recipe(dir: &Path, recipe: &Value) -> TrainingOptions {
    let path = dir.join("mine.json");
    std::fs::write(&path, recipe.to_string()).unwrap();
    TrainingOptions { recipe: Some(path), ..TrainingOptions::default() }
}

#[test]
fn a_partial_recipe_is_what_it_names_over_that_of_the_network() {
    let dir = tempfile::tempdir().unwrap();
    let options = with_recipe(dir.path(), &json!({"learning_rate": 0.001, "augmentation": {"crop": 0.1}}));
    for network in [edge(), paper()] {
        let mut wanted = Recipe::of(&network);
        wanted.learning_rate = 0.001;
        wanted.augmentation.crop = 0.1;
        assert_eq!(options.recipe(&network).unwrap(), wanted);
    }
    let whole = serde_json::to_value(Recipe::paper()).unwrap();
    assert_eq!(with_recipe(dir.path(), &whole).recipe(&edge()).unwrap(), Recipe::paper());
    assert_eq!(with_recipe(dir.path(), &json!({})).recipe(&edge()).unwrap(), Recipe::of(&edge()));
}

#[test]
fn a_slip_in_a_recipe_is_an_error_that_names_file_and_entry() {
    let dir = tempfile::tempdir().unwrap();
    for (recipe, wanted) in [
        (json!({"epoch": 3}), "mine.json is no recipe: unknown entry epoch: did you mean epochs?"),
        (json!({"augmentation": {"gain": 3}}), "unknown entry augmentation.gain: did you mean augmentation.gain_db?"),
        (json!({"optimizer": {"sgd": {"momentum": 0.9, "nesterov": true}}}), "unknown entry optimizer.sgd.nesterov"),
        (
            json!({"auxiliary": [{"target": "speaker", "weight": 1, "adverserial": true}]}),
            "did you mean auxiliary[0].adversarial?",
        ),
        (json!({"crop": 0.1}), "unknown entry crop: did you mean augmentation.crop?"),
        (json!({"augmentation": {"crop": "much"}}), "augmentation.crop: invalid type"),
        (json!({"shuffle": "never"}), "shuffle: unknown variant `never`"),
        (json!([]), "wanted an object with entries, got a list"),
    ] {
        let error = format!("{:#}", with_recipe(dir.path(), &recipe).recipe(&edge()).unwrap_err());
        assert!(error.contains("mine.json") && error.contains(wanted), "{error}");
    }
}

#[test]
fn single_entries_are_laid_over_the_recipe_file_and_named_options_over_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = with_recipe(dir.path(), &json!({"batch": 4, "dropout": 0.5, "epochs": 3}));
    options.set = ["batch=5", "epochs=6", "augmentation.speeds=[1.0]", "optimizer={\"sgd\": {\"momentum\": 0.9}}"]
        .map(|entry| json::entry(entry).unwrap())
        .to_vec();
    options.epochs = Some(7);
    let recipe = options.recipe(&edge()).unwrap();
    assert_eq!((recipe.batch, recipe.dropout, recipe.epochs), (5, 0.5, 7));
    assert_eq!(recipe.augmentation.speeds, [1.0]);
    options.set = vec![json::entry("augmentation.speed=1").unwrap()];
    let error = format!("{:#}", options.recipe(&edge()).unwrap_err());
    assert_eq!(error, "--set: unknown entry augmentation.speed: did you mean augmentation.speeds?");
    options.set = ["batch=5", "batch=6"].map(|entry| json::entry(entry).unwrap()).to_vec();
    assert_eq!(format!("{:#}", options.recipe(&edge()).unwrap_err()), "--set: batch is given twice: 5 and 6");
    // The order of entries does not matter.
    options.epochs = None;
    for set in [["epochs=6", "budget=100"], ["budget=100", "epochs=6"]] {
        options.set = set.map(|entry| json::entry(entry).unwrap()).to_vec();
        assert_eq!(options.recipe(&edge()).unwrap().budget, 100);
    }
}

#[test]
fn an_entry_of_teachers_comes_with_teachers() {
    let options = |set: &[&str]| TrainingOptions {
        set: set.iter().map(|entry| json::entry(entry).unwrap()).collect(),
        ..TrainingOptions::default()
    };
    let rnn = spec::rnn();
    assert_eq!(options(&[]).recipe(&rnn).unwrap().distillation, None);
    let recipe = options(&["epochs=20", "distillation.teachers=3"]).recipe(&rnn).unwrap();
    let distillation = recipe.distillation.unwrap();
    assert_eq!((distillation.teachers, distillation.backwards, distillation.epochs), (3, 2, 10));
    assert_eq!(options(&["distillation=null"]).recipe(&edge()).unwrap().distillation, None);
}

#[test]
fn a_network_file_is_what_it_names_over_edge_and_over_paper_if_it_makes_an_image() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.json");
    let network = |json: &Value| {
        std::fs::write(&path, json.to_string()).unwrap();
        TrainingOptions { network: Some(path.clone()), ..TrainingOptions::default() }.network()
    };
    let mut wanted = edge();
    wanted.front_end.mel_bands = 20;
    let chosen = network(&json!({"front_end": {"mel_bands": 20}})).unwrap();
    assert_eq!((chosen.name.as_str(), chosen.network, chosen.names_labels), ("mine", wanted, false));
    // A network that names all but the level does not lose the level of the default.
    let mut most = serde_json::to_value(edge()).unwrap();
    most["front_end"].as_object_mut().unwrap().remove("level");
    assert_eq!(network(&most).unwrap().network.front_end.level, LevelMode::RelativeToPeak);
    let image = json!({"front_end": {"image": {"bands": 224, "columns": 224}}});
    assert_eq!(network(&image).unwrap().network, paper());
    assert_eq!(network(&serde_json::to_value(paper()).unwrap()).unwrap().network, paper());

    let mut layers = serde_json::to_value(edge().layers).unwrap();
    layers[0]["conv2d"]["paddin"] = json!("same");
    for (json, wanted) in [
        (json!({"front_end": {"mel_band": 20}}), "unknown entry front_end.mel_band: did you mean front_end.mel_bands?"),
        (json!({ "layers": layers }), "unknown entry layers[0].conv2d.paddin: did you mean layers[0].conv2d.padding?"),
        (json!({"front_end": {"window": "han"}}), "front_end.window: unknown variant `han`"),
        (json!({"front_end": {"trim": {"range_db": 400}}}), "unusable"),
    ] {
        let error = format!("{:#}", network(&json).unwrap_err());
        assert!(error.contains("mine.json") && error.contains(wanted), "{error}");
    }
}
