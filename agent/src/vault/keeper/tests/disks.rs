//! The disk of the mark refuses: nothing is lost by it, and nothing leaves.

use std::fs;

use besace_protocol::{id::WishId, private::Private};

use super::{Home, NOW, wish};
use crate::vault::{Condition, VaultError, WishContent};

#[test]
fn a_mark_that_cannot_be_written_refuses_the_change_and_is_not_taken_for_going_back() {
    let mut home = Home::new();
    home.create().close();
    let good = fs::read(home.mark()).unwrap();
    let vault = home.open();
    assert!(vault.ensure_sound().is_ok());
    fs::remove_file(home.mark()).unwrap();
    fs::create_dir(home.mark()).unwrap();
    let content = WishContent { text: Private::new("x".to_owned()), ..WishContent::default() };
    let refused = vault.put_wish(WishId::from_bytes([1; 16]), content, NOW);
    assert!(matches!(refused, Err(VaultError::Mark(_))), "{refused:?}");
    vault.close();
    fs::remove_dir(home.mark()).unwrap();
    fs::write(home.mark(), good).unwrap();
    let vault = home.open();
    assert!(vault.wishes().unwrap().is_empty());
    wish(&vault, 1, 10);
    vault.close();
    assert_eq!(home.finds(), Condition::Sound);
}

#[test]
fn what_is_not_marked_holds_up_whatever_comes_after_it_and_is_not_called_undone() {
    let mut home = Home::new();
    let vault = home.create();
    wish(&vault, 1, 10);
    let good = fs::read(home.mark()).unwrap();
    // The disk of the mark fails in the middle of a sitting.
    fs::remove_file(home.mark()).unwrap();
    std::os::unix::fs::symlink("/dev/full", home.mark()).unwrap();
    let unmarked = vault.write_marked(|db| Ok(db.execute("DELETE FROM wishes", [])?));
    assert!(matches!(unmarked, Err(VaultError::Unmarked(_))), "{unmarked:?}");
    assert!(vault.wishes().unwrap().is_empty(), "it was done");
    for _ in 0..2 {
        assert!(matches!(vault.ensure_sound(), Err(VaultError::Unmarked(_))));
        let refused = vault.remove_wish(WishId::from_bytes([1; 16]));
        assert!(matches!(refused, Err(VaultError::Unmarked(_))), "{refused:?}");
    }
    // It is there again.
    fs::remove_file(home.mark()).unwrap();
    fs::write(home.mark(), good).unwrap();
    vault.ensure_sound().unwrap();
    let killed = home.files();
    wish(&vault, 2, 10);
    vault.close();
    assert_eq!(home.finds(), Condition::Sound);
    home.put(&killed);
    assert_eq!(home.finds(), Condition::Sound, "and the mark was made before anything else");
}

#[test]
fn what_could_not_be_read_back_is_marked_before_it_leaves_and_before_the_log_is_emptied() {
    let mut home = Home::new();
    home.create().close();
    for leaves in [true, false] {
        let vault = home.open();
        // The first change of a sitting: its mark is on the disk before it, and says what was.
        vault
            .send(|store| {
                store.keeper.take_fails = true;
                Ok(())
            })
            .unwrap();
        let clear = move |db: &rusqlite::Transaction<'_>| {
            Ok(db.execute(
                "INSERT OR REPLACE INTO clock (one, latest) VALUES (1, ?1)",
                [i64::from(leaves)],
            )?)
        };
        if leaves {
            vault.write_marked(clear).unwrap();
            let killed = home.files();
            vault.close();
            let closed = home.files();
            home.put(&killed);
            assert_eq!(home.finds(), Condition::Sound);
            home.put(&closed);
        } else {
            vault.write(clear).unwrap();
            vault.close();
        }
        assert_eq!(home.finds(), Condition::Sound, "{leaves}");
    }
}

#[test]
fn a_mark_whose_disk_is_gone_is_not_made_elsewhere() {
    let mut home = Home::new();
    home.create().close();
    let (mark, aside) = (home.mark(), home.mark().with_extension("pulled-out"));
    let vault = home.open();
    wish(&vault, 1, 10);
    fs::rename(&mark, &aside).unwrap();
    let unmarked = vault.write_marked(|db| Ok(db.execute("DELETE FROM wishes", [])?));
    assert!(matches!(unmarked, Err(VaultError::Unmarked(_))), "{unmarked:?}");
    assert!(!mark.exists(), "it would be taken for the one that comes back");
    fs::rename(&aside, &mark).unwrap();
    vault.ensure_sound().unwrap();
    vault.close();
    assert_eq!(home.finds(), Condition::Sound);
}
