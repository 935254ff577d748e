//! The six emotions and the names that people give them.

/// The classes, in the order of their indices everywhere: network outputs, labels, confusion matrices.
pub const EMOTIONS: [&str; 6] = ["angry", "fear", "happy", "neutral", "sad", "surprise"];

/// Other names of the classes in folders and manifests, in lower case, in the order of [`EMOTIONS`].
const SYNONYMS: [&[&str]; 6] = [
    &["anger", "ang", "mad", "生气", "愤怒"],
    &["fearful", "fea", "afraid", "scared", "害怕", "恐惧", "惊恐"],
    &["happiness", "hap", "joy", "joyful", "高兴", "快乐", "开心"],
    &["neu", "calm", "中性", "平静"],
    &["sadness", "悲伤", "伤心", "难过"],
    &["surprised", "sur", "surprising", "惊讶", "惊奇", "吃惊"],
];

/// The index in [`EMOTIONS`] of the emotion called `name`, or `None` if no emotion has that name.
///
/// Case and surrounding blanks do not matter; the usual English and Chinese synonyms are known.
pub fn emotion_index(name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase();
    EMOTIONS.iter().zip(SYNONYMS).position(|(emotion, synonyms)| *emotion == name || synonyms.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_emotion_is_known_by_its_name_and_synonyms_in_any_case() {
        for (index, emotion) in EMOTIONS.iter().enumerate() {
            assert_eq!(emotion_index(emotion), Some(index));
            assert_eq!(emotion_index(&format!(" {} ", emotion.to_uppercase())), Some(index));
        }
        assert_eq!(emotion_index("Anger"), Some(0));
        assert_eq!(emotion_index("SCARED"), Some(1));
        assert_eq!(emotion_index("Joy"), Some(2));
        assert_eq!(emotion_index("calm"), Some(3));
        assert_eq!(emotion_index("悲伤"), Some(4));
        assert_eq!(emotion_index("surprised"), Some(5));
    }

    #[test]
    fn no_name_means_two_emotions() {
        let mut names: Vec<&str> = SYNONYMS.into_iter().flatten().copied().chain(EMOTIONS).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn an_unknown_name_is_no_emotion() {
        assert_eq!(emotion_index("disgust"), None);
        assert_eq!(emotion_index(""), None);
    }
}
