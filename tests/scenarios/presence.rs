//! `spec/presence.md`, played through the simulated ether: who is recognised, by whom, and what an
//! eavesdropper who misses nothing has of it.

mod linkability;

use std::collections::{BTreeMap, BTreeSet};

use besace_agent::{
    presence::{Emitter, LiveGrant, Step},
    radio::{self, Radio},
};
use besace_e2e::ether::{Air, Ether, PhoneId, Place, ReceiverId};
use besace_protocol::{
    id::{GrantId, Handle},
    party::{ControllerId, ShopCode},
    presence::{
        AskReason, EphemeralId, Epoch, Level, PresenceRoot, Proximity, RadioTime, ReleasedKeys,
        Scope, ShopChain, ShopId, Till,
    },
    time::Day,
};
use besace_retailer::presence::{Resolver, Sighting};
use rand::{SeedableRng as _, rngs::StdRng};

const DAY: Day = Day::from_number(20_778);
const SCOPE: &str = "the text is the same for both, the keys are not";

/// A retailer: its resolver, and its one shop with an emitter and a receiver.
struct Retailer {
    domain: &'static str,
    resolver: Resolver,
    shop: ShopId,
    place: Place,
    receiver: ReceiverId,
}

/// A shopper's phone and agent, as one program.
struct Shopper {
    emitter: Emitter,
    radio: Radio,
    phone: PhoneId,
    /// Where she knows herself to be.
    proximity: Proximity,
    noted: Vec<(GrantId, Epoch)>,
    asked: Vec<AskReason>,
}

struct Town {
    ether: Ether,
    rng: StdRng,
    here: Retailer,
    there: Retailer,
    nour: Shopper,
    handles: BTreeMap<&'static str, Handle>,
    /// Everything that a retailer ever received about her, by domain.
    received: BTreeMap<&'static str, Vec<u8>>,
}

impl Town {
    /// Ten in the morning, two retailers, one shopper who is at home.
    fn new(seed: u64, air: Air) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let start = RadioTime::from(DAY.start().plus(36_000));
        let mut ether = Ether::new(seed, air, start);
        let here = Retailer::open("here.example", Place(1), &mut ether, &mut rng);
        let there = Retailer::open("there.example", Place(2), &mut ether, &mut rng);
        let (radio, antenna) = radio::channel();
        let phone = ether.add_phone(None, antenna);
        let mut emitter = Emitter::new();
        for retailer in [&here, &there] {
            let anchor = retailer.chain(&mut StdRng::seed_from_u64(9)).anchor();
            emitter.learn(anchor, start.timestamp());
        }
        let nour = Shopper {
            emitter,
            radio,
            phone,
            proximity: Proximity::Near,
            noted: Vec::new(),
            asked: Vec::new(),
        };
        Self { ether, rng, here, there, nour, handles: BTreeMap::new(), received: BTreeMap::new() }
    }

    /// She gives a grant for recognition; her agent releases the keys of today.
    fn gives(&mut self, domain: &'static str) {
        let retailer = if domain == "here.example" { &self.here } else { &self.there };
        let (root, handle) =
            (PresenceRoot::generate(&mut self.rng), Handle::generate(&mut self.rng));
        let keys = root.day_key(DAY, &Scope::of(SCOPE)).release(Till::Excluded);
        retailer.resolver.add_keys(handle, &keys, &mut self.rng).unwrap();
        let received = self.received.entry(domain).or_default();
        received.extend_from_slice(handle.as_bytes());
        received.extend_from_slice(&keys.danger_bytes());
        self.handles.insert(domain, handle);
        let live = LiveGrant {
            grant: GrantId::generate(&mut self.rng),
            handle,
            shops: [retailer.shop.clone()].into(),
            scope: Scope::of(SCOPE),
            root,
            later: Vec::new(),
            expires: DAY.plus(30).start(),
            last_epoch: None,
        };
        self.nour.emitter.give(live, self.ether.now(), &mut self.rng);
    }

    fn walks_to(&mut self, place: Option<Place>) {
        self.ether.carry(self.nour.phone, place);
    }

    /// Lets `seconds` pass; her phone looks at what it heard four times a second.
    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds * 4 {
            self.ether.advance(self.ether.now().plus(250));
            while let Ok(heard) = self.nour.radio.heard.try_recv() {
                let proximity = self.nour.proximity;
                let hearing = self.nour.emitter.hear(&heard, |_| proximity, &mut self.rng);
                self.nour.take(hearing.steps);
            }
        }
    }

    /// What a retailer makes of what its receiver heard, each identifier once, in its order.
    fn sightings(&mut self, domain: &str) -> Vec<Option<Sighting>> {
        let now = self.ether.now().timestamp();
        let retailer = if domain == "here.example" { &self.here } else { &self.there };
        let heard = self.ether.take_heard(retailer.receiver);
        let mut seen = BTreeSet::new();
        let tokens: Vec<EphemeralId> =
            heard.into_iter().map(|(_, id)| id).filter(|id| seen.insert(*id)).collect();
        retailer.resolver.resolve(retailer.shop.code, &tokens, now, &mut self.rng)
    }
}

impl Retailer {
    fn open(domain: &'static str, place: Place, ether: &mut Ether, rng: &mut StdRng) -> Self {
        let shop = ShopId {
            domain: ControllerId::parse(domain).unwrap(),
            code: ShopCode::from_bytes(place.0.to_be_bytes()),
        };
        let receiver = ether.add_receiver(place);
        let retailer = Self { domain, resolver: Resolver::new(), shop, place, receiver };
        let chain = || retailer.chain(&mut StdRng::seed_from_u64(9));
        ether.add_shop(place, [chain()]);
        retailer.resolver.add_chain(chain());
        retailer.resolver.prepare(ether.now().timestamp(), rng);
        retailer
    }

    fn chain(&self, rng: &mut StdRng) -> ShopChain {
        ShopChain::generate(rng, self.shop.clone(), DAY)
    }
}

impl Shopper {
    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Note { grant, epoch } => self.noted.push((grant, epoch)),
                Step::Tell(command) => self.radio.commands.send(command).unwrap(),
                Step::Ask { reason, .. } => self.asked.push(reason),
            }
        }
    }
}

fn recognised(sightings: &[Option<Sighting>]) -> Vec<(Handle, Level)> {
    sightings
        .iter()
        .filter_map(|sighting| match sighting {
            Some(Sighting::Recognised(recognition)) => {
                Some((recognition.handle, recognition.level))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_shopper_who_walks_in_is_recognised_by_that_retailer_and_by_nobody_else() {
    let mut town = Town::new(1, Air::BUSY);
    town.gives("here.example");
    town.gives("there.example");
    town.wait(30);
    assert!(town.ether.overheard_identifiers().is_empty(), "at home the phone is silent");
    town.walks_to(Some(town.here.place));
    town.wait(60);
    let expected = [(town.handles["here.example"], Level::Bound)];
    assert_eq!(recognised(&town.sightings("here.example")), expected);
    assert_eq!(town.nour.noted.len(), 1, "the epoch is noted, once");
    // The other retailer hears nothing, and could make nothing of what the eavesdropper heard.
    assert_eq!(town.sightings(town.there.domain), []);
    let all = town.ether.overheard_identifiers();
    let now = town.ether.now().timestamp();
    let code = town.there.shop.code;
    assert_eq!(town.there.resolver.resolve(code, &all, now, &mut town.rng), [None]);
}

#[test]
fn without_a_grant_a_phone_in_the_shop_is_silent_for_ever() {
    let mut town = Town::new(2, Air::CLEAR);
    town.gives("there.example");
    town.walks_to(Some(town.here.place));
    town.wait(1_300);
    assert!(town.ether.overheard_identifiers().is_empty());
    assert_eq!(town.sightings("here.example"), []);
}

#[test]
fn a_withdrawal_is_silence_at_once_and_released_keys_are_worth_nothing() {
    let mut town = Town::new(3, Air::CLEAR);
    town.gives("here.example");
    town.walks_to(Some(town.here.place));
    town.wait(12); // on air: the longest wait is eight seconds, an emission lasts thirty
    assert_eq!(recognised(&town.sightings("here.example")).len(), 1);
    let handle = town.handles["here.example"];
    let steps = town.nour.emitter.withdraw(handle, town.ether.now(), &mut town.rng);
    town.nour.take(steps);
    let said = town.ether.overheard().iter().filter(|packet| packet.payload.len() == 22).count();
    town.wait(1_300);
    let says = town.ether.overheard().iter().filter(|packet| packet.payload.len() == 22).count();
    assert_eq!(said, says, "not one packet more");
    // Until the retailer deletes what it was given, it can forge an identifier; afterwards nobody can.
    let now = town.ether.now().timestamp();
    let (code, received) = (town.here.shop.code, &town.received["here.example"]);
    let keys = ReleasedKeys::from_slice(DAY, &received[16..]).unwrap();
    let forged = keys.ephemeral_id(Epoch::of(now), None).unwrap();
    let mut resolve = || town.here.resolver.resolve(code, &[forged], now, &mut town.rng);
    assert_eq!(recognised(&resolve()), [(handle, Level::Unbound)]);
    assert_eq!(town.here.resolver.remove_handle(&handle), [DAY]);
    assert_eq!(resolve(), [None]);
}

#[test]
fn an_eavesdropper_never_hears_the_same_thing_from_two_moments() {
    let mut town = Town::new(4, Air::BUSY);
    town.gives("here.example");
    town.gives("there.example");
    for _ in 0..4 {
        for place in [town.here.place, town.there.place] {
            town.walks_to(Some(place));
            town.wait(400);
        }
    }
    let packets: Vec<_> =
        town.ether.overheard().iter().filter(|packet| packet.payload.len() == 22).collect();
    let mut bursts: Vec<([u8; 6], Vec<u8>, RadioTime, RadioTime)> = Vec::new();
    for packet in packets {
        match bursts.last_mut() {
            // Address and payload change together, or not at all.
            Some((address, payload, _, last))
                if *address == packet.address || *payload == packet.payload =>
            {
                assert_eq!((*address, &*payload), (packet.address, &packet.payload));
                *last = packet.at;
            }
            _ => bursts.push((packet.address, packet.payload.clone(), packet.at, packet.at)),
        }
    }
    assert!(bursts.len() >= 6, "{}", bursts.len());
    for (_, _, first, last) in &bursts {
        assert!(
            last.since(*first) < 30_000
                && Epoch::of(first.timestamp()) == Epoch::of(last.timestamp())
        );
    }
    for pair in bursts.windows(2) {
        assert!(pair[1].2.since(pair[0].3) >= 5_000, "silence between two identifiers");
    }
    let addresses: BTreeSet<_> = bursts.iter().map(|burst| burst.0).collect();
    assert_eq!(addresses.len(), bursts.len());
    // No eight bytes of any identifier stand in another, or in what either retailer received.
    let ids = town.ether.overheard_identifiers();
    let windows: Vec<&[u8]> = ids.iter().flat_map(|id| id.as_bytes().windows(8)).collect();
    assert_eq!(windows.iter().collect::<BTreeSet<_>>().len(), windows.len());
    for received in town.received.values() {
        assert!(windows.iter().all(|window| !received.windows(8).any(|bytes| bytes == *window)));
    }
    let [a, b] = ["here.example", "there.example"].map(|domain| &town.received[domain]);
    assert!(a.windows(8).all(|window| !b.windows(8).any(|bytes| bytes == window)));
}

#[test]
fn a_relayed_frame_makes_nobody_answer() {
    let mut town = Town::new(5, Air::CLEAR);
    town.gives("here.example");
    town.walks_to(Some(Place(7)));
    for (proximity, asked) in
        [(Proximity::Elsewhere, &[][..]), (Proximity::Unknown, &[AskReason::PlaceUnknown][..])]
    {
        town.nour.proximity = proximity;
        for _ in 0..40 {
            let frames = town.ether.overheard().iter().rev();
            let frame = frames
                .clone()
                .find(|packet| packet.place == town.here.place && packet.payload.len() == 25);
            if let Some(payload) = frame.map(|packet| packet.payload.clone()) {
                town.ether.inject(Place(7), &payload);
            }
            town.wait(1);
        }
        assert_eq!(town.nour.asked, asked);
        assert!(town.ether.overheard_identifiers().is_empty());
    }
}

#[test]
fn a_frame_recorded_in_the_morning_asks_in_the_afternoon() {
    let mut town = Town::new(6, Air::CLEAR);
    town.gives("here.example");
    town.wait(2);
    let recorded = town.ether.overheard().iter().find(|p| p.payload.len() == 25).unwrap();
    let recorded = recorded.payload.clone();
    town.walks_to(Some(Place(7)));
    town.wait(20 * 60);
    town.ether.inject(Place(7), &recorded);
    town.wait(10);
    assert_eq!(town.nour.asked, [AskReason::ClockInDoubt]);
    assert!(town.ether.overheard_identifiers().is_empty());
}

#[test]
fn an_identifier_carried_to_another_shop_is_an_alarm() {
    let mut town = Town::new(7, Air::CLEAR);
    town.gives("here.example");
    // A second shop of the same retailer, with its own emitter and receiver.
    let place = Place(3);
    let code = ShopCode::from_bytes(place.0.to_be_bytes());
    let second = ShopId { code, ..town.here.shop.clone() };
    let chain = || ShopChain::from_end(second.clone(), DAY, &[5; 16]);
    town.ether.add_shop(place, [chain()]);
    town.here.resolver.add_chain(chain());
    let receiver = town.ether.add_receiver(place);
    town.walks_to(Some(town.here.place));
    town.wait(15);
    let id = town.ether.overheard_identifiers()[0];
    town.ether.inject(place, &id.to_advertisement());
    town.wait(1);
    let carried: Vec<_> = town.ether.take_heard(receiver).into_iter().map(|(_, id)| id).collect();
    assert_eq!(carried, [id]);
    let now = town.ether.now().timestamp();
    let alarm = Sighting::RelaySuspected { handle: town.handles["here.example"], shop: code };
    assert_eq!(town.here.resolver.resolve(code, &carried, now, &mut town.rng), [Some(alarm)]);
}

#[test]
fn the_same_seed_gives_the_same_air() {
    let [a, b, c] = [8, 8, 9].map(|seed| {
        let mut town = Town::new(seed, Air::BUSY);
        town.gives("here.example");
        town.walks_to(Some(town.here.place));
        town.wait(40);
        town.ether.overheard().to_vec()
    });
    assert_eq!(a, b);
    assert_ne!(a, c);
}
