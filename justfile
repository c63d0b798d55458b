# `just` lists the recipes.

# Where `just demo` makes its layer.
demo_layer := "layers/demo"

_default:
    @just --list --unsorted

# Make a layer from the map that ships with the project, run it, and draw it: no network needed.
demo: _programs
    rm -rf {{demo_layer}}
    target/release/init_layer --name demo --generation-dir fixtures/tiny-city --model-endpoints fixtures/model_endpoints.json --output {{demo_layer}}
    target/release/generate_full_map_layer --layer-dir {{demo_layer}}
    target/release/debug_generate_full_map_layer --layer-dir {{demo_layer}}
    @echo
    @echo "Done. Open {{demo_layer}}/debug_map.html in a browser; the pictures are in {{demo_layer}}/generations/."

# Put the three programs on the PATH, with completions for shells and manual pages.
install:
    #!/usr/bin/env bash
    set -euo pipefail
    programs="init_layer generate_full_map_layer debug_generate_full_map_layer"
    for program in $programs; do
        cargo install --locked --path "crates/$program"
    done
    # Where cargo has put them, whether or not that is on the PATH already.
    bin="${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}/bin"
    data="${XDG_DATA_HOME:-$HOME/.local/share}"
    bash="$data/bash-completion/completions"
    zsh="$data/zsh/site-functions"
    fish="${XDG_CONFIG_HOME:-$HOME/.config}/fish/completions"
    man="$data/man/man1"
    mkdir -p "$bash" "$zsh" "$fish" "$man"
    for program in $programs; do
        "$bin/$program" completions bash > "$bash/$program"
        "$bin/$program" completions zsh > "$zsh/_$program"
        "$bin/$program" completions fish > "$fish/$program.fish"
        "$bin/$program" man > "$man/$program.1"
    done
    echo
    echo "programs           $bin"
    echo "completions, bash  $bash"
    echo "completions, fish  $fish"
    echo "completions, zsh   $zsh"
    echo "                   zsh finds them with fpath=($zsh \$fpath) before compinit in ~/.zshrc"
    echo "manual pages       $man"
    if ! [ "$(man -w init_layer 2> /dev/null)" -ef "$man/init_layer.1" ]; then
        echo "                   man finds them with export MANPATH=$data/man: in ~/.profile"
    fi
    case ":$PATH:" in
        *":$bin:"*) ;;
        *) echo "                   the shell finds the programs with export PATH=$bin:\$PATH" ;;
    esac

# Plan a layer: `just init --name snow --generation-dir generations/nyc …`.
[no-exit-message]
[positional-arguments]
init *args:
    @cargo run -q --release --bin init_layer -- "$@"

# Run a layer, or go on with it: `just generate layers/snow`.
[no-exit-message]
[positional-arguments]
generate layer *args:
    @cargo run -q --release --bin generate_full_map_layer -- --layer-dir "$@"

# Run a part of a layer first and alone: `just pilot layers/snow 0,0,5,5`.
[no-exit-message]
[positional-arguments]
pilot layer part *args:
    @layer=$1 part=$2; shift 2; cargo run -q --release --bin generate_full_map_layer -- --layer-dir "$layer" --only "$part" "$@"

# Check a layer's finished pictures, make missing or damaged ones again, and go on.
[no-exit-message]
[positional-arguments]
resume layer *args:
    @cargo run -q --release --bin generate_full_map_layer -- --layer-dir "$@" --resume

# Run a layer's failed items again, and go on.
[no-exit-message]
[positional-arguments]
retry layer *args:
    @cargo run -q --release --bin generate_full_map_layer -- --layer-dir "$@" --retry-errors

# Generate blocks of a layer again: `just redo layers/snow "12,-3 20,5..24,9"`.
[no-exit-message]
[positional-arguments]
redo layer quadrants *args:
    @layer=$1 quadrants=$2; shift 2; cargo run -q --release --bin generate_full_map_layer -- --layer-dir "$layer" --redo "$quadrants" "$@"

# Draw a layer's plan and progress on a map.
[no-exit-message]
[positional-arguments]
map layer *args:
    @cargo run -q --release --bin debug_generate_full_map_layer -- --layer-dir "$@"

# Serve a layer's map as a desk to judge its blocks at, until Ctrl-C.
[no-exit-message]
[positional-arguments]
review layer *args:
    @cargo run -q --release --bin debug_generate_full_map_layer -- --layer-dir "$@" --serve --review

# Publish a layer as a site to upload anywhere: `just publish layers/snow site`.
[no-exit-message]
[positional-arguments]
publish layer dir *args:
    @layer=$1 dir=$2; shift 2; cargo run -q --release --bin debug_generate_full_map_layer -- --layer-dir "$layer" --publish "$dir" "$@"

# Show how far a layer is, and what would run next; calls and changes nothing.
[no-exit-message]
[positional-arguments]
status layer *args:
    @cargo run -q --release --bin generate_full_map_layer -- --layer-dir "$@" --dry-run

# Tell how visible the edges between a layer's finished blocks are.
[no-exit-message]
seams layer:
    @cargo run -q --release --bin debug_generate_full_map_layer -- --layer-dir "{{layer}}" --seams

# Everything that CI runs; ends with the tests' own summary.
test: (_timed "lint") (_timed "check") (_timed "test-browser") (_timed "test-rust")

# Formatting and lints.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --features generate_full_map_layer/fault-points -- -D warnings

# Hold the code to ARCHITECTURE.md: who may use whom, and what is only where.
check: (_build "--example check_dependencies")
    "${CARGO_TARGET_DIR:-target}/debug/examples/check_dependencies"

# With the features that the tests are built with, so that no library is built twice.
_build what:
    cargo build -q --workspace {{what}} --features generate_full_map_layer/fault-points

# The tests of all crates.
test-rust:
    #!/usr/bin/env bash
    set -euo pipefail
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    # Not the documentation's examples: there are none, and the programs are what is tested.
    # More at a time than there are cores: the tests of faults mostly wait.
    RUST_TEST_THREADS=12 cargo test --workspace --lib --bins --tests --features generate_full_map_layer/fault-points 2>&1 | tee "$log"
    # One closing line for all test programs together.
    sed -nE 's/^test result: .* ([0-9]+) passed; ([0-9]+) failed;.*/\1 \2/p' "$log" \
        | awk '{ passed += $1; failed += $2 } END { printf "%d passed, %d failed\n", passed, failed }'

# A full disk takes root; where the machine cannot show something this fails.

# The tests of what goes wrong, at length: a hundred kills, databases held for 30 s.
test-long:
    TEST_LONG=1 cargo test -p generate_full_map_layer --features fault-points --test faults --test faults_in_sqlite --test fault_points --test fault_points_in_sqlite
    just simulate 20000
    just plant

# Simulate runs in a made-up world; `--trace` behind runs and seed shows each event.
simulate runs="2000" first_seed="1" trace="":
    SIMULATED_RUNS={{runs}} SIMULATED_FIRST_SEED={{first_seed}} {{ if trace == "" { "" } else { "SIMULATED_TRACE=1" } }} \
        cargo test -q --release -p dispatch --test simulation -- --nocapture

# Plant faults in the dispatcher, one after another, and see that the simulation finds each.
plant:
    cargo test -q -p dispatch --test planted_faults -- --ignored --nocapture

# It installs Chromium, Node and npm when they are missing; CHROMIUM=/path names another browser.

# The tests of the map, in a real browser.
test-browser:
    crates/debug_generate_full_map_layer/browser/run

# Measure, side by side in one go: `just bench`, or one of `just bench planner`, `orders`, `run`, `fleet`, `map`, `judge`, `compression`.
bench what="all" *args:
    #!/usr/bin/env bash
    set -euo pipefail
    case {{what}} in
        all) for each in planner orders run fleet map judge compression; do just _bench-$each; echo; done ;;
        planner | orders | run | fleet | map | judge | compression) just _bench-{{what}} {{args}} ;;
        *) echo "there are: just bench planner, just bench orders, just bench run, just bench fleet, just bench map, just bench judge, just bench compression" >&2; exit 2 ;;
    esac

_bench-planner *args:
    cargo bench -q -p planner --bench planner -- {{args}}

_bench-orders *args:
    cargo bench -q -p dispatch --bench orders -- {{args}}

_bench-run *args:
    cargo bench -q -p generate_full_map_layer --bench run -- {{args}}

# A run on a thousand endpoints of 15 s; another number of them, their seconds and the rows wanted behind it.
_bench-fleet *args:
    cargo bench -q -p generate_full_map_layer --bench run -- fleet {{args}}

# What compressing finished quadrants costs and saves.
_bench-compression *args:
    cargo bench -q -p canvas --bench compression -- {{args}}

# How well answers are judged, and what it costs.
_bench-judge *args:
    cargo bench -q -p canvas --bench judge -- {{args}}

# The page at four sizes: size, time and memory to write, time to draw, frames.
_bench-map *sizes:
    cargo build -q --release -p debug_generate_full_map_layer
    cargo build -q -p debug_generate_full_map_layer --example map_layer
    cd crates/debug_generate_full_map_layer/browser && PROFILE=release node bench.js {{sizes}}

_programs:
    cargo build --release --bins

# A stage of the tests, with the minutes it took.
_timed stage:
    #!/usr/bin/env bash
    set -euo pipefail
    echo "==== {{stage}}"
    SECONDS=0
    just {{stage}}
    took=$SECONDS
    [ -z "${STAGE_TIMES:-}" ] || printf '%s %d\n' {{stage}} "$took" >> "$STAGE_TIMES"
