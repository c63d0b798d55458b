//! Paths and texts in commands that users copy.

use std::path::Path;

/// A path as a POSIX shell reads it back, and no program takes it for a flag: as it is where that
/// is safe, else in single quotes.
#[must_use]
pub fn shell_quoted(path: &Path) -> String {
    let mut text = path.to_string_lossy();
    if text.starts_with('-') {
        text.to_mut().insert_str(0, "./");
    }
    shell_quoted_text(&text)
}

/// A text as a POSIX shell reads it back.
#[must_use]
pub fn shell_quoted_text(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_path_back() {
        for path in [
            "layers/snow/",
            "layers/snow",
            "my layers/snow",
            "it's $HOME; `x` \"y\" \\ * ? ~ # & | < > ( ) !",
            "",
        ] {
            let command = format!("printf %s {}", shell_quoted(Path::new(path)));
            let said = std::process::Command::new("sh")
                .args(["-c", &command])
                .output()
                .expect("there is a shell");
            assert_eq!(String::from_utf8(said.stdout).unwrap(), path);
        }
        assert_eq!(shell_quoted(Path::new("layers/snow")), "layers/snow");
        assert_eq!(shell_quoted(Path::new("-x y")), "'./-x y'");
        assert_eq!(shell_quoted_text("-1,2 3,4"), "'-1,2 3,4'");
    }
}
