//! The corpus, and as many bent copies of it as asked for: the same ones every time. For ordinary tests, which have no libFuzzer.

use std::path::Path;

/// Words that make a difference to something that is read here.
const WORDS: [&str; 24] = [
    "\"",
    "'",
    "\\",
    "\n",
    "%",
    "%2F",
    "&",
    "=",
    "+",
    "/",
    ";",
    ",",
    "{",
    "[",
    "null",
    "1e308",
    "-1",
    "\u{0}",
    "é",
    "\u{1F600}",
    "--conf ",
    "EMR.secret@",
    "X-Amz-Date=",
    "9223372036854775808",
];

/// Every file of `fuzz/corpus/<target>`, then `count` bent ones.
///
/// # Panics
/// If the folder is not there or empty.
pub fn inputs(target: &str, count: usize) -> impl Iterator<Item = Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|above| above.join("fuzz/corpus"));
    let folder = folder.into_iter().find(|path| path.is_dir()).expect("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).expect("the target's corpus");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).expect("bytes")).collect();
    assert!(!seeds.is_empty(), "{} is empty", folder.display());
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let bent: Vec<Vec<u8>> = (0..count).map(|_| bent(&seeds, &mut chance)).collect();
    seeds.into_iter().chain(bent)
}

/// A seed with one to four changes.
fn bent(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        let (from, to) = (chance.below(bytes.len() + 1), chance.below(bytes.len() + 1));
        let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 20));
        match chance.below(5) {
            0 => drop(bytes.splice(from..to, [])),
            1 => drop(bytes.splice(from..from, WORDS[chance.below(WORDS.len())].bytes())),
            2 => drop(bytes.splice(from..to, WORDS[chance.below(WORDS.len())].bytes())),
            3 => {
                let other = &seeds[chance.below(seeds.len())];
                bytes.truncate(from);
                bytes.extend_from_slice(&other[chance.below(other.len() + 1)..]);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte = u8::try_from(chance.below(256)).unwrap_or(0);
                }
            }
        }
    }
    bytes
}

/// Numbers that look random and are the same every time (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % bound.max(1)
    }
}
