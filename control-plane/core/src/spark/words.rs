//! Splits one string into words as a POSIX shell would, without expansions.

use super::parameters::ParameterError;

/// The words of `text`. A backslash before a line end joins lines; a backslash between words that stands before a
/// blank, or ends the text, is what is left of a folded command line and counts as a blank.
pub(super) fn split(text: &str) -> Result<Vec<String>, ParameterError> {
    Splitter { rest: text.char_indices().peekable(), word: None, words: Vec::new() }.run()
}

struct Splitter<'a> {
    rest: std::iter::Peekable<std::str::CharIndices<'a>>,
    word: Option<String>,
    words: Vec<String>,
}

impl Splitter<'_> {
    fn run(mut self) -> Result<Vec<String>, ParameterError> {
        while let Some((position, letter)) = self.rest.next() {
            match letter {
                '\'' => self.single(position)?,
                '"' => self.double(position)?,
                '\\' => self.backslash(),
                letter if letter.is_whitespace() => self.words.extend(self.word.take()),
                letter => self.push(letter),
            }
        }
        self.words.extend(self.word.take());
        Ok(self.words)
    }

    fn push(&mut self, letter: char) {
        self.word.get_or_insert_default().push(letter);
    }

    fn single(&mut self, opened: usize) -> Result<(), ParameterError> {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next() {
                Some((_, '\'')) => return Ok(()),
                Some((_, letter)) => self.push(letter),
                None => return Err(ParameterError::OpenQuote { quote: '\'', position: opened }),
            }
        }
    }

    fn double(&mut self, opened: usize) -> Result<(), ParameterError> {
        self.word.get_or_insert_default();
        let open = ParameterError::OpenQuote { quote: '"', position: opened };
        loop {
            match self.rest.next() {
                Some((_, '"')) => return Ok(()),
                Some((_, '\\')) => match self.rest.next() {
                    Some((_, '\n')) => {}
                    Some((_, letter @ ('"' | '\\' | '$' | '`'))) => self.push(letter),
                    Some((_, letter)) => {
                        self.push('\\');
                        self.push(letter);
                    }
                    None => return Err(open),
                },
                Some((_, letter)) => self.push(letter),
                None => return Err(open),
            }
        }
    }

    fn backslash(&mut self) {
        match self.rest.peek().copied() {
            None => {}
            Some((_, '\n')) => {
                self.rest.next();
            }
            Some((_, '\r')) => {
                self.rest.next();
                self.rest.next_if(|(_, letter)| *letter == '\n');
            }
            Some((_, letter)) if letter.is_whitespace() && self.word.is_none() => {}
            Some((_, letter)) => {
                self.rest.next();
                self.push(letter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_as_a_shell_reads_them() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  \n\t ", &[]),
            ("--conf a=b", &["--conf", "a=b"]),
            ("--conf a='b c'\n --conf \"d=e f\"", &["--conf", "a=b c", "--conf", "d=e f"]),
            ("--conf a=b \\\n  --conf c=d", &["--conf", "a=b", "--conf", "c=d"]),
            ("--conf a=b \\\r\n--conf c=d", &["--conf", "a=b", "--conf", "c=d"]),
            ("--conf a=b \\ --conf c=d \\", &["--conf", "a=b", "--conf", "c=d"]),
            ("x.zip#env", &["x.zip#env"]),
            ("a\\ b", &["a b"]),
            ("a\"b\"'c'd", &["abcd"]),
            ("''", &[""]),
            ("\"a\\\"b\\\\c\\d\\$e\"", &["a\"b\\c\\d$e"]),
            ("'a\\b'", &["a\\b"]),
            ("\"-XX:+UseG1GC -Dx='y z'\"", &["-XX:+UseG1GC -Dx='y z'"]),
        ];
        for (text, words) in table {
            assert_eq!(
                split(text).as_deref(),
                Ok(*words).map(|w| w.iter().map(|s| s.to_string()).collect::<Vec<_>>()).as_deref(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn an_open_quote_is_refused_with_its_place() {
        for (text, quote, position) in [("--conf 'a=b", '\'', 7), ("a \"b\\\"", '"', 2), ("a \"b\\", '"', 2)]
        {
            assert_eq!(split(text), Err(ParameterError::OpenQuote { quote, position }), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_quoted_comes_back(words in proptest::collection::vec("[ -~\n]{0,12}", 0..6)) {
            let line: Vec<String> = words.iter().map(|w| format!("'{}'", w.replace('\'', "'\\''"))).collect();
            prop_assert_eq!(split(&line.join(" \\\n ")), Ok(words));
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = split(&text);
        }
    }
}
