//! The README's table of model servers: every entry in it works as it says.

use std::path::Path;

use layer::EndpointUrl;

#[test]
fn every_entry_in_the_readme_speaks_the_protocol_beside_it() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let (_, section) = readme
        .split_once("## Model servers")
        .expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut protocols = Vec::new();
    for row in section.lines().filter(|line| line.contains("| `{")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, protocol, entry] = cells[..] else {
            panic!("a row has three cells: {row}");
        };
        let file = tempfile::NamedTempFile::new().expect("a file");
        let entry = entry.trim().trim_matches('`');
        std::fs::write(file.path(), format!("[{entry}]")).expect("the file");
        let endpoints =
            layer::read_endpoints(file.path()).unwrap_or_else(|error| panic!("{error} in {entry}"));
        if let EndpointUrl::Http(_) = endpoints[0].url {
            let spoken = endpoints[0].protocol().expect("a protocol").name();
            assert!(protocol.starts_with(&format!("`{spoken}`")), "{row}");
            protocols.push(spoken);
        }
    }
    protocols.sort_unstable();
    protocols.dedup();
    assert_eq!(
        protocols,
        ["edit_b64", "gemini", "multipart", "openai", "sdapi"]
    );
}
