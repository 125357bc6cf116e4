//! Writes the first corpus of every parser from the vectors of the specification: and from `seeds/`: `seed VECTORS SEEDS CORPUS`.

use std::{env, error::Error, fs, path::PathBuf};

use besace_fuzz::{parsers::PARSERS, seeds};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(vectors), Some(seeds), Some(corpus)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("seed VECTORS SEEDS CORPUS".into());
    };
    for parser in PARSERS {
        let folder = corpus.join(parser.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds::of_parser(&vectors, &seeds, parser)?.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
