//! What the columns of a table are called.

/// The names of a table's columns: at least one, none empty, no two the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captions(Vec<String>);

/// The only column of a parser that names none.
const WHOLE: &str = "message";

impl Captions {
    /// Makes captions of what a parser calls its columns. A column without a name is called by its number, from 1; a name that
    /// is there already gets a number behind it; where no column is named there is one, `message`.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut captions: Vec<String> = Vec::new();
        for name in names {
            let name = match name.as_ref() {
                "" => format!("column {}", captions.len() + 1),
                name => name.to_owned(),
            };
            let mut caption = name.clone();
            let mut number = 1;
            while captions.contains(&caption) {
                number += 1;
                caption = format!("{name} {number}");
            }
            captions.push(caption);
        }
        if captions.is_empty() {
            captions.push(WHOLE.to_owned());
        }
        Self(captions)
    }

    /// The names, in order.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl Default for Captions {
    fn default() -> Self {
        Self(vec![WHOLE.to_owned()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_there_and_unique() {
        for (names, captions) in [
            (&[][..], &["message"][..]),
            (&["Time", "Text"], &["Time", "Text"]),
            (
                &["ECU", "ECU", "ECU 2", "ECU"],
                &["ECU", "ECU 2", "ECU 2 2", "ECU 3"],
            ),
            (&["", "a", "column 1"], &["column 1", "a", "column 1 2"]),
        ] {
            assert_eq!(Captions::new(names).names(), captions, "{names:?}");
        }
        assert_eq!(Captions::default(), Captions::new([""; 0]));
    }
}
