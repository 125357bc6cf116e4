//! A store went back in time and nothing newer is left.

use besace_retailer::{LostRetailer, SqliteStore};

use super::*;

impl Desk {
    /// A gateway whose store was put back, and the copy.
    fn put_back() -> (Self, Vec<u8>) {
        let (desk, _) = Self::ready();
        done(&desk.run(&["key", "list"]));
        let copy = fs::read(desk.store()).unwrap();
        let offers = desk.file("offers.json", "[]");
        done(&desk.run(&["catalogue", "publish", &offers]));
        desk.put(&copy);
        (desk, copy)
    }

    fn store(&self) -> PathBuf {
        self.gateway().join("gateway.db")
    }

    /// Puts a copy in the place of the store.
    fn put(&self, copy: &[u8]) {
        for beside in ["gateway.db-wal", "gateway.db-shm", "gateway.db-journal"] {
            drop(fs::remove_file(self.gateway().join(beside)));
        }
        fs::write(self.store(), copy).unwrap();
    }

    /// A place for an archive.
    fn archive(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn restore(&self, archive: &str) -> Output {
        self.run(&["restore", "--archive", &self.archive(archive)])
    }

    /// The names of the logs that were begun after the first, as the store has them.
    fn begun(&self) -> usize {
        let lost = LostRetailer::open(SqliteStore::open(&self.store()).unwrap()).unwrap();
        let all = lost.retailer().restorations().unwrap();
        all.former.len().saturating_add(usize::from(all.last.is_some()))
    }
}

#[test]
fn a_shop_that_lost_its_store_begins_the_next_log_once() {
    let (desk, copy) = Desk::put_back();
    let keys = {
        let looked = desk.run(&["key", "list"]);
        String::from_utf8(looked.stdout).unwrap()
    };
    // An archive that is somebody's is not touched, and without one nothing happens.
    fs::create_dir(desk.archive("mine")).unwrap();
    fs::write(Path::new(&desk.archive("mine")).join("letter"), "mine").unwrap();
    assert!(failed(&desk.restore("mine")).contains("is not empty"));
    assert_eq!(names(Path::new(&desk.archive("mine"))), ["letter"]);
    assert!(!desk.run(&["restore"]).status.success());
    assert_eq!(fs::read(desk.store()).unwrap(), copy, "nothing was signed");

    fs::create_dir(desk.archive("empty")).unwrap();
    let said = done(&desk.restore("empty"));
    assert!(said.starts_with("shop.example/besace/2 is begun\n"), "{said}");
    assert!(said.contains("entries of log 1 were left"), "{said}");
    assert!(said.contains("2 keys of shops are good"), "{said}");
    assert!(!names(Path::new(&desk.archive("empty"))).is_empty());
    assert_eq!(names(&desk.gateway()), ["gateway.db", "gateway.json"]);
    assert_eq!(done(&desk.run(&["key", "list"])), keys);
    let again = failed(&desk.restore("again"));
    assert!(again.contains("nothing went back"), "{again}");
    assert!(!Path::new(&desk.archive("again")).exists());
    let offers = desk.file("offers.json", "[]");
    done(&desk.run(&["catalogue", "publish", &offers]));
    let evidence = desk.archive("evidence");
    done(&desk.run(&["evidence", &evidence]));
    let papers = desk.archive("papers");
    done(&desk.run(&["papers", "--out", &papers]));

    // The old copy never signs again, and its log is never left a second time.
    desk.put(&copy);
    let refused = failed(&desk.run(&["catalogue", "publish", &offers]));
    assert!(refused.contains("log 2 begun after it"), "{refused}");
    done(&desk.restore("third"));
    assert_eq!(desk.begun(), 2);
}

#[cfg(unix)]
#[test]
fn an_archive_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (desk, _) = Desk::put_back();
    done(&desk.restore("archive"));
    let mode = fs::metadata(desk.archive("archive")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_store_that_is_not_known_to_be_old_is_restored_only_if_somebody_says_so() {
    let (desk, _) = Desk::ready();
    done(&desk.run(&["key", "list"]));
    failed(&desk.restore("archive"));
    let head = desk.file("head", "no head");
    let archive = desk.archive("archive");
    let refused = failed(&desk.run(&["restore", "--archive", &archive, "--head", &head]));
    assert!(refused.contains("no head that the last log signed"), "{refused}");
    assert_eq!(desk.begun(), 0);
    done(&desk.run(&["restore", "--archive", &archive, "--lost"]));
    assert_eq!(desk.begun(), 1);
}

/// Runs `restore` where no file may grow beyond so many blocks of 512 bytes: the system ends the process in the middle
/// of a write, or refuses the write, as a full disk does.
#[cfg(unix)]
fn within(desk: &Desk, blocks: u64, killed: bool, archive: &str) -> Output {
    let before = if killed { "" } else { "trap '' XFSZ; " };
    Command::new("sh")
        .arg("-c")
        .arg(format!("{before}ulimit -f {blocks}; exec \"$@\""))
        .arg("sh")
        .arg(env!("CARGO_BIN_EXE_besace-gateway"))
        .env("BESACE_GATEWAY_MARKS", desk.folder.path().join("marks"))
        .arg("--folder")
        .arg(desk.gateway())
        .args(["restore", "--archive", &desk.archive(archive)])
        .output()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn killed_anywhere_or_on_a_full_disk_it_is_done_wholly_or_not_at_all() {
    let (desk, copy) = Desk::put_back();
    let mark = desk.folder.path().join("marks");
    let marks: Vec<(PathBuf, Vec<u8>)> = names(&mark)
        .iter()
        .map(|name| (mark.join(name), fs::read(mark.join(name)).unwrap()))
        .collect();
    let (mut whole, mut nothing) = (0, 0);
    let last = u64::try_from(copy.len()).unwrap() / 512 + 64;
    for killed in [true, false] {
        for part in 0..=12 {
            desk.put(&copy);
            fs::remove_dir_all(&mark).unwrap();
            fs::create_dir(&mark).unwrap();
            for (path, bytes) in &marks {
                fs::write(path, bytes).unwrap();
            }
            let blocks = last * part / 12;
            let name = format!("archive-{killed}-{part}");
            let ended = within(&desk, blocks, killed, &name);
            match desk.begun() {
                0 => {
                    assert!(!ended.status.success(), "{blocks}");
                    nothing += 1;
                    let held = desk.run(&["catalogue", "publish", &desk.file("offers.json", "[]")]);
                    assert!(failed(&held).contains("the store went back in time"), "{blocks}");
                    done(&desk.restore(&format!("{name}-again")));
                }
                1 => {
                    whole += 1;
                    let again = failed(&desk.restore(&format!("{name}-again")));
                    assert!(again.contains("nothing went back"), "{blocks}: {again}");
                }
                more => panic!("{more} logs were begun"),
            }
            assert_eq!(desk.begun(), 1, "{blocks}");
            done(&desk.run(&["key", "list"]));
            // Whatever happened, what was left is known before anything is signed.
            desk.put(&copy);
            let held = failed(&desk.run(&["key", "revoke", "00000001-screen"]));
            assert!(held.contains("log 2 begun after it"), "{held}");
        }
    }
    assert!(whole > 0 && nothing > 8, "{whole} {nothing}");
}
