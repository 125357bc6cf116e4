//! Files of our own making, in the shapes that Catima writes.

use proptest::prelude::*;

use super::*;
use crate::{import::Skipped, vault::CardError};

const V1: &str = "\
_id,store,note,expiry,balance,balancetype,cardid,barcodeid,barcodetype,headercolor,starstatus,lastused
1,Les Cimes,,,0,,4006381333931,,EAN_13,-416706,1,1600000000
2,Boulangerie,\"deux lignes

et une vide entre elles\",1893456000000,12.5,EUR,B-77,77,QR_CODE,,0,
";

const V2: &str = "\
2

_id
Loisirs
Mode

_id,store,note,validfrom,expiry,balance,balancetype,cardid,barcodeid,barcodetype,barcodeencoding,headercolor,starstatus,lastused,archive
1,Käseladen,\"une note

avec une ligne vide\",1600000000,1893456000,150,,Käseschnitte,,QR_CODE,UTF-8,,0,1700000000,1
3,Quincaillerie,,,,1500,JPY,12345,,MAXICODE,,,0,,0

cardId,groupId
1,Loisirs
8,Mode
";

fn parse_text(text: &str) -> Result<CatimaCards, ParseCatimaError> {
    parse(text.as_bytes())
}

#[test]
fn version_1_is_one_table() {
    let found = parse_text(V1).unwrap();
    let [first, second] = found.cards.as_slice() else { panic!("two cards") };
    assert_eq!(first.store.reveal(), "Les Cimes");
    assert_eq!(first.number.reveal(), "4006381333931");
    assert_eq!(first.barcode, first.number);
    assert_eq!(first.symbology, Some(Symbology::Ean13));
    assert_eq!(first.balance, None);
    assert!(first.starred && !first.archived);
    assert_eq!(second.note.reveal(), "deux lignes\n\net une vide entre elles");
    assert_eq!(second.barcode.reveal(), "77");
    assert_eq!(second.balance, Some(Private::new(Balance::Money(Money::euro_cents(1250)))));
    assert_eq!(second.expires_at, Some(Timestamp::from_unix_seconds(1_893_456_000)));
    assert_eq!(found.leftovers.dropped_fields, ["headercolor", "lastused"]);
    assert_eq!(found.leftovers.skipped, []);
}

#[test]
fn version_2_has_three_tables_and_notes_with_blank_lines() {
    let found = parse_text(V2).unwrap();
    let [first, second] = found.cards.as_slice() else { panic!("two cards") };
    assert_eq!(first.number.reveal(), "Käseschnitte");
    assert_eq!(first.note.reveal(), "une note\n\navec une ligne vide");
    assert_eq!(first.charset.as_deref(), Some("UTF-8"));
    assert_eq!(first.balance, Some(Private::new(Balance::Points(150))));
    assert_eq!(first.valid_from, Some(Timestamp::from_unix_seconds(1_600_000_000)));
    assert_eq!(first.expires_at, Some(Timestamp::from_unix_seconds(1_893_456_000)));
    assert!(first.archived);
    // A code that cannot be drawn is not guessed: the card keeps its number and says so.
    assert_eq!((second.symbology, second.number.reveal().as_str()), (None, "12345"));
    let yen = Money { currency: Currency::parse("JPY").unwrap(), minor: 1500 };
    assert_eq!(second.balance, Some(Private::new(Balance::Money(yen))));
    assert_eq!(found.leftovers.dropped_fields, ["barcodetype", "groups", "lastused"]);
}

#[test]
fn a_row_that_cannot_be_kept_is_named_and_the_others_are_kept() {
    let text = "_id,store,cardid,invented\n1,,12,\n2,Les Cimes,,\n3,Les Cimes\n4,Les Cimes,1,x\n";
    let found = parse_text(text).unwrap();
    assert_eq!(found.cards.len(), 1);
    let reasons = [
        (2, SkipReason::Card(CardError::Store)),
        (3, SkipReason::Card(CardError::Number)),
        (4, SkipReason::Columns),
    ];
    assert_eq!(found.leftovers.skipped, reasons.map(|(row, reason)| Skipped { row, reason }));
    assert_eq!(found.leftovers.skipped_count, 3);
    assert_eq!(found.leftovers.dropped_fields, ["invented"]);
}

#[test]
fn milliseconds_and_seconds_are_told_apart() {
    assert_eq!(moment("1893456000"), Some(Timestamp::from_unix_seconds(1_893_456_000)));
    assert_eq!(moment("1893456000000"), Some(Timestamp::from_unix_seconds(1_893_456_000)));
    assert_eq!(moment("-1"), None);
    assert_eq!(moment("2030-01-01"), None);
}

#[test]
fn an_amount_is_read_without_loss_or_not_at_all() {
    assert_eq!(minor_units("12.5", 2), Some(1250));
    assert_eq!(minor_units("12.500", 2), Some(1250));
    assert_eq!(minor_units("0", 2), Some(0));
    for bad in ["12.505", "-1", "1E+2", "", ".5", "1,5", "99999999999999999999"] {
        assert_eq!(minor_units(bad, 2), None, "{bad}");
    }
}

#[test]
fn other_files_are_refused() {
    for (text, not) in [("", "empty"), ("a,b\n1,2\n", "table"), ("2\n\n_id\nMode\n", "no cards")] {
        assert!(matches!(parse_text(text), Err(ParseCatimaError::NotCatima)), "{not}");
    }
    assert!(matches!(parse_text("3\n\n_id\n"), Err(ParseCatimaError::Version)));
    assert!(matches!(
        parse(&b"_id,store,cardid\n1,\xff,2\n"[..]),
        Err(ParseCatimaError::Csv { .. })
    ));
    let endless = std::io::repeat(b'x');
    assert!(matches!(parse(endless), Err(ParseCatimaError::TooLong)));
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(text in "(_id,store,cardid,balance,expiry\n)?[0-9a-z,\"\n.é]{0,200}") {
        let _ = parse_text(&text).is_ok();
    }
}
