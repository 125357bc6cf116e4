// A withdrawal against everything that goes on at the same time: releases, uses, a network that loses, repeats and
// reorders, processes that end at any step. spec/consent.md (states; log before answer), spec/sealed.md.
//
// What lasts is global: it was written and synced before the step that set it ended. What a process knows only in
// memory is local, and lost when the process ends. A message that is on its way may arrive any number of times.
//
// run: whole safety holds
// run: whole liveness holds
// run: NOT_READ_AGAIN safety caught
// run: KEYS_STAY safety caught
// run: WITHDRAWAL_FORGOTTEN safety caught
// run: ACKNOWLEDGED_FIRST safety caught
// run: ANSWERED_FIRST safety caught
// run: LOOKED_UP_BEFORE safety caught
// run: TOLD_ONCE liveness caught
// run: QUEUED_IN_MEMORY liveness caught

#define ENDINGS 2 // how often a process ends in the middle, all together
#define LOSSES 2  // how many messages the network loses
#define RELEASES 2
#define USES 2

// Hers.
bool withdrawn, acknowledged;
byte released;
// The gateway's.
bool has_keys, knows_withdrawal, logged_use;
byte used;
// On the way.
bool release_sent, withdrawal_sent, acknowledgement_sent;
byte losses, endings;

// A process ends here or goes on; what ends begins again, with what lasts.
#define MAYBE_END if :: endings < ENDINGS -> endings++; goto again :: true fi

// One release after the other: read the grant, write the log, read the grant again and send, as one step.
active proctype Release() {
again:
	do
	:: released < RELEASES && !withdrawn ->
		// The entry in her log is durable from here on.
		MAYBE_END;
		atomic {
			if
#ifndef NOT_READ_AGAIN
			:: withdrawn -> skip
			:: !withdrawn ->
#else
			:: true ->
#endif
				assert(!withdrawn); // nothing leaves after she withdrew
				released++;
				release_sent = true
			fi
		}
	:: released == RELEASES || withdrawn -> break
	od
}

// She may change her mind at any moment. The withdrawal waits in the vault from the transaction on that made it.
active proctype Owner() {
	bool queued = false, told = false;
	withdrawn = true;
	queued = true;
again:
#ifdef QUEUED_IN_MEMORY
	if
	:: endings < ENDINGS -> endings++; queued = false
	:: true
	fi;
#endif
	do
	:: queued && !told && !withdrawal_sent && !acknowledgement_sent ->
		withdrawal_sent = true;
#ifdef TOLD_ONCE
		told = true;
#endif
		MAYBE_END
	:: atomic { acknowledgement_sent -> acknowledged = true; assert(!has_keys) }; break
	od
}

active proctype Network() {
end:
	do
	:: atomic { losses < LOSSES && release_sent -> release_sent = false; losses++ }
	:: atomic { losses < LOSSES && withdrawal_sent -> withdrawal_sent = false; losses++ }
	:: atomic { losses < LOSSES && acknowledgement_sent -> acknowledgement_sent = false; losses++ }
	:: losses == LOSSES -> break
	:: acknowledged -> break
	od
}

// The gateway takes a release in one transaction, and none of a grant that ended.
active proctype Accept() {
	byte times;
end:
	do
	:: atomic {
		release_sent && times < 3 ->
		times++;
		if
#ifdef WITHDRAWAL_FORGOTTEN
		:: true -> has_keys = true
#else
		:: !knows_withdrawal -> has_keys = true
		:: else
#endif
		fi;
		assert(!(acknowledged && has_keys)) // an acknowledgement is true, and stays true
	}
	od
}

// A withdrawal is one transaction: known for good, keys gone, logged. The acknowledgement comes after it, each time.
active proctype End() {
end:
again:
	do
	:: withdrawal_sent ->
#ifdef ACKNOWLEDGED_FIRST
		acknowledgement_sent = true;
		MAYBE_END;
#endif
		atomic {
			knows_withdrawal = true;
#ifndef KEYS_STAY
			has_keys = false;
#endif
			withdrawal_sent = false
		};
		MAYBE_END;
		acknowledgement_sent = true
	od
}

// A sighting: looked up and logged in one transaction, then the shop gets its answer.
active proctype Resolve() {
	bool found;
end:
again:
	do
	:: used < USES ->
		used++;
		found = false;
		logged_use = false;
#ifdef LOOKED_UP_BEFORE
		found = has_keys && !knows_withdrawal;
#endif
#ifdef ANSWERED_FIRST
		found = has_keys && !knows_withdrawal;
		if
		:: found -> assert(logged_use) // the shop has its answer now
		:: else
		fi;
#endif
		atomic {
#ifndef LOOKED_UP_BEFORE
			found = has_keys && !knows_withdrawal;
#endif
			if
			:: found ->
				assert(!knows_withdrawal); // nothing is used after the withdrawal was logged
				logged_use = true
			:: else
			fi
		};
		MAYBE_END;
		if
		:: found -> assert(logged_use) // the shop has its answer now
		:: else
		fi
	od
}

// Whatever is lost, in the end both sides know.
ltl told { [] (withdrawn -> <> (acknowledged && knows_withdrawal)) }
