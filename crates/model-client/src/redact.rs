//! Striking secrets out of texts.

/// The shortest secret that is struck out: to strike out every "1" would leave nothing to read, and
/// protect nothing.
const SHORTEST: usize = 4;

/// How much of a secret's beginning gives it away, in characters: messages show the beginning of
/// an answer, and one may be cut in the middle of a secret.
const BEGINNING: usize = 8;

/// `text` with "…" in the place of each secret, and of each beginning of one.
///
/// Secrets may begin alike, hold each other, or overlap where they stand: whatever belongs to
/// any of them goes.
#[must_use]
pub(crate) fn strike_out<'a>(text: &str, secrets: impl Iterator<Item = &'a str>) -> String {
    let mut is_secret = vec![false; text.len()];
    for secret in secrets.map(str::trim) {
        if secret.len() < SHORTEST {
            continue;
        }
        // "Bearer " and the like is no secret.
        let head: String = if secret.contains(' ') {
            secret.to_owned()
        } else {
            secret.chars().take(BEGINNING).collect()
        };
        let mut from = 0;
        while let Some(at) = text[from..].find(&head).map(|at| from + at) {
            let pairs = text[at..].chars().zip(secret.chars());
            let same = pairs.take_while(|(shown, secret)| shown == secret);
            let length: usize = same.map(|(shown, _)| shown.len_utf8()).sum();
            is_secret[at..at + length].fill(true);
            from = at + text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    let mut shown = String::with_capacity(text.len());
    let mut was_secret = false;
    for (at, letter) in text.char_indices() {
        match (is_secret[at], was_secret) {
            (false, _) => shown.push(letter),
            (true, false) => shown.push('…'),
            (true, true) => {}
        }
        was_secret = is_secret[at];
    }
    shown
}

/// `text` with the users and the queries of all addresses in it struck out.
#[must_use]
pub(crate) fn without_queries(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + 3);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '\\');
        let (address, after) = address.split_at(address.find(ends).unwrap_or(address.len()));
        let host = address.split(['/', '?', '#']).next().unwrap_or_default();
        let user = host.rfind('@').map_or(0, |at| at + 1);
        shown += before;
        match address[user..].split_once('?') {
            Some((place, _)) => shown.extend([place, "?…"]),
            None => shown += &address[user..],
        }
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_that_was_cut_short_is_struck_out() {
        let struck_out = |text: &str, secret: &str| strike_out(text, [secret].into_iter());
        let key = "sk-0123456789abcdef";
        for (text, shown) in [
            ("no sk-0123456789abcdef, sk-0123456789abcdefg", "no …, …g"),
            ("begins with \"sk-01234567\"", "begins with \"…\""),
            ("sk-01234 and sk-0123", "… and sk-0123"),
        ] {
            assert_eq!(struck_out(text, key), shown);
        }
        assert_eq!(
            struck_out("Bearer is wanted", "Bearer abc"),
            "Bearer is wanted"
        );
        assert_eq!(struck_out("schlüssel! schlüsse", "schlüssel"), "…! …");
    }

    #[test]
    fn of_secrets_that_begin_alike_or_overlap_nothing_is_left() {
        for (secrets, text, shown) in [
            (
                vec!["sk-proj-AAAAAAAA", "sk-proj-BBBBBBBB"],
                "sk-proj-BBBBBBBB sk-proj-AAAAAAAA sk-proj-BBB",
                "… … …",
            ),
            (
                vec!["eyJhbGciOi.short", "eyJhbGciOi.short.longer"],
                "got eyJhbGciOi.short.longer",
                "got …",
            ),
            (vec!["abcdXY", "XYefgh"], "abcdXYefgh", "…"),
            (vec!["key-key-", "key-key-key-"], "key-key-key-key-", "…"),
        ] {
            for secrets in [secrets.clone(), secrets.into_iter().rev().collect()] {
                assert_eq!(strike_out(text, secrets.iter().copied()), shown);
            }
        }
    }

    proptest! {
        #[test]
        fn no_secret_is_left_of_any_text(
            beginning in "[a-c]{0,9}",
            ends in prop::collection::vec("[a-c-]{4,12}", 1..5),
            order in prop::collection::vec((0..5_usize, "[ ,x]{0,2}", 8..30_usize), 1..8),
        ) {
            let secrets: Vec<String> = ends.iter().map(|end| format!("{beginning}{end}")).collect();
            let text: String = order
                .iter()
                .map(|(number, between, length)| {
                    let secret = &secrets[number % secrets.len()];
                    format!("{}{between}", &secret[..secret.len().min(*length)])
                })
                .collect();
            let shown = strike_out(&text, secrets.iter().map(String::as_str));
            for secret in &secrets {
                let start = &secret[..secret.len().min(BEGINNING)];
                prop_assert!(!shown.contains(start), "{shown:?} of {text:?} shows {secret:?}");
            }
        }
    }
}
