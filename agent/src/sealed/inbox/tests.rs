//! Order, limits, what outlives a process, and a disk that refuses.

use super::*;

fn id(n: u8) -> LetterId {
    LetterId::from_bytes([n; 16])
}

const A: SenderTag = SenderTag([1; 4]);
const B: SenderTag = SenderTag([2; 4]);

fn keep(inbox: &Inbox, sender: SenderTag, n: u8, length: usize) -> Result<(), KeepLetterError> {
    inbox.keep(sender, id(n), |_| Ok(vec![n; length]))
}

fn ids(inbox: &Inbox) -> Vec<LetterId> {
    inbox.waiting().unwrap().iter().map(|letter| letter.id).collect()
}

#[test]
fn letters_come_back_in_their_order_and_the_next_process_goes_on_counting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox");
    let inbox = Inbox::new(path.clone());
    assert_eq!(inbox.waiting().unwrap(), []);
    for n in [9, 3, 7] {
        keep(&inbox, A, n, 10).unwrap();
    }
    let again = Inbox::new(path);
    keep(&again, B, 1, 10).unwrap();
    assert_eq!(ids(&again), [9, 3, 7, 1].map(id));
    let letters = again.waiting().unwrap();
    assert_eq!(again.read(&letters[1]).unwrap(), [3; 10]);
    again.remove(&letters[..2]).unwrap();
    again.remove(&letters[..1]).unwrap();
    keep(&again, A, 2, 10).unwrap();
    assert_eq!(ids(&again), [7, 1, 2].map(id));
}

#[test]
fn a_full_inbox_takes_nothing_more_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let all = Limits { letters: 4, bytes: 100 };
    let of_one = Limits { letters: 3, bytes: 60 };
    let inbox = Inbox::within(folder.path().to_owned(), all, of_one);
    let full = |result| matches!(result, Err(KeepLetterError::Full));
    keep(&inbox, A, 1, 50).unwrap();
    assert!(full(keep(&inbox, A, 2, 11)), "bytes of one device");
    keep(&inbox, A, 3, 1).unwrap();
    keep(&inbox, A, 4, 1).unwrap();
    assert!(full(keep(&inbox, A, 5, 1)), "letters of one device");
    assert!(full(keep(&inbox, B, 6, 49)), "bytes of all");
    keep(&inbox, B, 7, 48).unwrap();
    assert!(full(keep(&inbox, B, 8, 0)), "letters of all");
    assert_eq!(ids(&inbox), [1, 3, 4, 7].map(id));
    // The same after a restart, and when one was set aside; merging makes room.
    let inbox = Inbox::within(folder.path().to_owned(), all, of_one);
    let letters = inbox.waiting().unwrap();
    inbox.set_aside(&letters[0]).unwrap();
    assert!(full(keep(&inbox, B, 9, 0)));
    assert_eq!(inbox.count().unwrap().1, InboxCount { letters: 1, bytes: 50 });
    assert_eq!(inbox.clear_aside().unwrap(), 1);
    keep(&inbox, B, 9, 1).unwrap();
    assert_eq!(inbox.count().unwrap().0.letters, 4);
}

#[test]
fn a_disk_that_refuses_keeps_no_letter_and_the_ones_before_stay() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::new(folder.path().to_owned());
    keep(&inbox, A, 1, 100).unwrap();
    // No file can be made where the next letter would be written.
    let arriving = folder.path().join(ARRIVING);
    std::fs::create_dir(&arriving).unwrap();
    assert!(matches!(keep(&inbox, A, 2, 100), Err(KeepLetterError::Io(_))));
    assert_eq!(ids(&inbox), [1].map(id));
    std::fs::remove_dir(&arriving).unwrap();
    keep(&inbox, A, 3, 100).unwrap();
    assert_eq!(ids(&inbox), [1, 3].map(id));
}

#[test]
fn half_a_letter_and_files_of_others_are_no_letters() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::new(folder.path().to_owned());
    keep(&inbox, A, 1, 10).unwrap();
    let name = inbox.waiting().unwrap()[0].file_name();
    for other in [
        ARRIVING.to_owned(),
        "door.json".to_owned(),
        name.to_uppercase(),
        format!("+{}", &name[1..]),
        name.replace(".age", ".agE"),
        format!("{}0.age", name.trim_end_matches(".age")),
    ] {
        std::fs::write(folder.path().join(&other), b"x").unwrap();
        assert_eq!(ids(&inbox), [1].map(id), "{other}");
    }
    keep(&inbox, A, 2, 10).unwrap();
    assert_eq!(ids(&inbox), [1, 2].map(id));
}

#[cfg(unix)]
#[test]
fn letters_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox");
    let inbox = Inbox::new(path.clone());
    keep(&inbox, A, 1, 10).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join(inbox.waiting().unwrap()[0].file_name())), 0o600);
}
