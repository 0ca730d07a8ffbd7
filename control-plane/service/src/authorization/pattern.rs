//! Wildcards as IAM has them: `*` for any run of characters, `?` for one.

/// Whether the whole text fits the pattern. It takes time in proportion to the product of their lengths, never more.
pub fn fits(pattern: &str, text: &str) -> bool {
    same_fits(pattern, text, |a, b| a == b)
}

/// The same, of ASCII letters whatever their case.
pub fn fits_in_any_case(pattern: &str, text: &str) -> bool {
    same_fits(pattern, text, |a, b| a.eq_ignore_ascii_case(&b))
}

fn same_fits(pattern: &str, text: &str, same: impl Fn(char, char) -> bool) -> bool {
    // What follows of both, and where the last star was: what follows it, and what it has not swallowed yet.
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut star = None;
    loop {
        let (at, mut rest) = (text.clone(), pattern.clone());
        match (rest.next(), text.next()) {
            (Some('*'), _) if rest.as_str().is_empty() => return true,
            (Some('*'), _) => {
                star = Some((rest.clone(), at.clone()));
                (pattern, text) = (rest, at);
            }
            (None, None) => return true,
            (Some(letter), Some(found)) if letter == '?' || same(letter, found) => pattern = rest,
            _ => {
                let Some((after, from)) = &mut star else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after.clone(), from.clone());
            }
        }
    }
}
