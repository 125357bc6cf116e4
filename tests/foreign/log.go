// Verifies the logs of an evidence bundle with nothing of ours: notes, trees and proofs are those of
// golang.org/x/mod/sumdb, as Debian packages it. spec/log.md, spec/audit.md.
//
//	log EVIDENCE POLICY PROOFS
//
// For each log: its head is signed by the pinned key, the tree over its entries has the signed root, every earlier head
// is one of the same tree, and every opening fits its entry and is in the tree; that is proven from the tiles as they
// lie there, which are those of the tree. PROOFS holds files of proofs, which have to prove what they say by themselves.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8 // 256 hashes a tile

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: log EVIDENCE POLICY PROOFS")
		os.Exit(2)
	}
	if err := verify(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Println("does not hold:", err)
		os.Exit(1)
	}
}

func verify(evidence, policyFile, proofs string) error {
	keys, err := retailerKeys(policyFile)
	if err != nil {
		return err
	}
	logs := filepath.Join(evidence, "logs")
	var origins []string
	err = filepath.WalkDir(logs, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "checkpoint" {
			origin, _ := filepath.Rel(logs, filepath.Dir(path))
			origins = append(origins, filepath.ToSlash(origin))
		}
		return err
	})
	if err != nil {
		return err
	}
	// Retailers first: their logs name the keys of the others.
	sort.Slice(origins, func(i, j int) bool {
		return strings.HasSuffix(origins[i], "/besace") && !strings.HasSuffix(origins[j], "/besace")
	})
	verified := make(map[string]*verifiedLog)
	for _, origin := range origins {
		found, err := verifyLog(filepath.Join(logs, filepath.FromSlash(origin)), origin, keys)
		if err != nil {
			return fmt.Errorf("%s: %w", origin, err)
		}
		verified[origin] = found
		fmt.Println(found.words)
	}
	count, err := verifyProofs(proofs, verified)
	if err != nil {
		return err
	}
	fmt.Printf("proof files: %d passed, 0 failed\n", count)
	fmt.Printf("logs: %d passed, 0 failed\n", len(origins))
	return nil
}

// retailerKeys reads which key the auditor trusts for which log.
func retailerKeys(file string) (map[string][]byte, error) {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var policy struct {
		Controllers []struct {
			Domain string
			LogKey string `json:"log_key"`
		}
	}
	if err := json.Unmarshal(bytes, &policy); err != nil {
		return nil, err
	}
	keys := make(map[string][]byte)
	for _, one := range policy.Controllers {
		key, err := base64.RawURLEncoding.DecodeString(one.LogKey)
		if err != nil {
			return nil, err
		}
		keys[one.Domain+"/besace"] = key
	}
	return keys, nil
}

type head struct {
	size int64
	root tlog.Hash
}

// verifiedLog is what is known of a log once it holds.
type verifiedLog struct {
	words    string
	verifier note.Verifier
	entries  [][]byte
	salts    map[int64][]byte // of those that are opened
}

// openHead verifies a signed checkpoint: the note, its one signature, its three lines.
func openHead(path, origin string, verifier note.Verifier) (head, error) {
	message, err := os.ReadFile(path)
	if err != nil {
		return head{}, err
	}
	found, err := openNote(message, origin, verifier)
	if err != nil {
		return head{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return found, nil
}

func openNote(message []byte, origin string, verifier note.Verifier) (head, error) {
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != origin || len(opened.UnverifiedSigs) != 0 {
		return head{}, fmt.Errorf("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return head{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return head{size, root}, err
}

// fileTiles gives the tiles of a log as they lie there; whoever reads them holds them against the head.
type fileTiles struct {
	folder string
	read   map[tlog.Tile][]byte
}

func (tiles *fileTiles) Height() int { return tileHeight }

func (tiles *fileTiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (tiles *fileTiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		data, known := tiles.read[tile]
		if !known {
			var err error
			data, err = os.ReadFile(filepath.Join(tiles.folder, filepath.FromSlash(hashTileName(tile))))
			if err != nil {
				return nil, err
			}
			tiles.read[tile] = data
		}
		found[i] = data
	}
	return found, nil
}

func hashTileName(tile tlog.Tile) string {
	return fmt.Sprintf("tile/%d/%s", tile.L, tileName(tile.N, int64(tile.W)))
}

func verifyLog(folder, origin string, keys map[string][]byte) (*verifiedLog, error) {
	key, known := keys[origin]
	if !known {
		return nil, fmt.Errorf("no key is known for it")
	}
	named := append([]byte{1}, key...)
	id := sha256.Sum256(append([]byte(origin+"\n"), named...))
	vkey := fmt.Sprintf("%s+%08x+%s", origin, binary.BigEndian.Uint32(id[:4]), base64.StdEncoding.EncodeToString(named))
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	head, err := openHead(filepath.Join(folder, "checkpoint"), origin, verifier)
	if err != nil {
		return nil, err
	}
	entries, err := readEntries(folder, head.size)
	if err != nil {
		return nil, err
	}

	// The tree over the entries, in the layout of the checksum database.
	var stored []tlog.Hash
	made := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(stored)) {
				return nil, fmt.Errorf("no hash %d", index)
			}
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for i, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(i), entry, made)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
	}
	if head.size > 0 {
		root, err := tlog.TreeHash(head.size, made)
		if err != nil {
			return nil, err
		}
		if root != head.root {
			return nil, fmt.Errorf("checkpoint: its root is not that of the entries")
		}
	}
	// And the tree as its tiles give it. The reader holds tiles against the signed root, though not each where several
	// subtrees share one: so what it gives is never used but for proofs, and these are checked against the root.
	read := tlog.TileHashReader(tlog.Tree{N: head.size, Hash: head.root}, &fileTiles{folder, make(map[tlog.Tile][]byte)})
	if err := proveEntries(entries, head, read); err != nil {
		return nil, err
	}
	tiles, err := compareTiles(folder, head.size, made)
	if err != nil {
		return nil, err
	}
	seen, err := compareSeen(folder, origin, head, verifier, read)
	if err != nil {
		return nil, err
	}
	salts, err := compareOpenings(folder, entries, head, keys)
	if err != nil {
		return nil, err
	}
	words := fmt.Sprintf("%s: entries %d, tiles %d, earlier heads %d, openings %d", origin, head.size, tiles, seen, len(salts))
	return &verifiedLog{words, verifier, entries, salts}, nil
}

// proveEntries proves that entries are in the tree, from its tiles: of a large one some of each tile, and the last.
func proveEntries(entries [][]byte, newest head, reader tlog.HashReader) error {
	step := int64(1)
	if newest.size > 4096 {
		step = 37
	}
	for index := int64(0); index < newest.size; index++ {
		if index%step != 0 && index != newest.size-1 {
			continue
		}
		proof, err := tlog.ProveRecord(newest.size, index, reader)
		if err != nil {
			return fmt.Errorf("entry %d, from the tiles: %w", index, err)
		}
		leaf := tlog.RecordHash(entries[index])
		if err := tlog.CheckRecord(proof, newest.size, newest.root, index, leaf); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return nil
}

// verifyProofs reads proofs as they are handed out, and has the hashes in each prove its entry.
func verifyProofs(folder string, logs map[string]*verifiedLog) (int, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.tlog-proof"))
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		record, err := os.ReadFile(strings.TrimSuffix(file, ".tlog-proof") + ".record")
		if err != nil && !os.IsNotExist(err) {
			return 0, err
		}
		if err := verifyProof(data, record, logs); err != nil {
			return 0, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	if len(files) == 0 {
		return 0, fmt.Errorf("%s: no file of a proof", folder)
	}
	return len(files), nil
}

// verifyProof holds a proof against the head that it carries; its salt opens the entry, with the record beside it, or is
// that of the opening in the evidence.
func verifyProof(data, record []byte, logs map[string]*verifiedLog) error {
	parts := strings.SplitN(string(data), "\n\n", 2)
	if len(parts) != 2 {
		return fmt.Errorf("no checkpoint")
	}
	origin := strings.SplitN(parts[1], "\n", 2)[0]
	log, known := logs[origin]
	if !known {
		return fmt.Errorf("of a log that is not here")
	}
	newest, err := openNote([]byte(parts[1]), origin, log.verifier)
	if err != nil {
		return err
	}
	lines := strings.Split(parts[0], "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a proof")
	}
	if !strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") {
		return fmt.Errorf("not the lines of a proof with a salt")
	}
	salt, err := base64.StdEncoding.Strict().DecodeString(lines[1][len("extra "):])
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(lines[2][len("index "):], 10, 64)
	if err != nil {
		return err
	}
	if index < 0 || index >= int64(len(log.entries)) {
		return fmt.Errorf("of an entry that is not here")
	}
	opens := record != nil && bytes.Equal(commitmentTo(record, salt), log.entries[index])
	if !opens && (record != nil || !bytes.Equal(log.salts[index], salt)) {
		return fmt.Errorf("its salt does not open entry %d", index)
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	return tlog.CheckRecord(proof, newest.size, newest.root, index, tlog.RecordHash(log.entries[index]))
}

// tileName is a number in groups of three digits, and the width of a partial tile.
func tileName(number, width int64) string {
	name := fmt.Sprintf("%03d", number%1000)
	for number /= 1000; number > 0; number /= 1000 {
		name = fmt.Sprintf("x%03d/%s", number%1000, name)
	}
	if width < 1<<tileHeight {
		name = fmt.Sprintf("%s.p/%d", name, width)
	}
	return name
}

func readEntries(folder string, size int64) ([][]byte, error) {
	var entries [][]byte
	for number := int64(0); int64(len(entries)) < size; number++ {
		width := size - number<<tileHeight
		if width > 1<<tileHeight {
			width = 1 << tileHeight
		}
		name := "tile/entries/" + tileName(number, width)
		data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			if len(data) < 34 || data[0] != 0 || data[1] != 32 {
				return nil, fmt.Errorf("%s: not entries of 32 bytes", name)
			}
			entries = append(entries, data[2:34])
			data = data[34:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("%s: longer than its entries", name)
		}
	}
	return entries, nil
}

// compareTiles makes every tile of the tree and compares it with the file.
func compareTiles(folder string, size int64, reader tlog.HashReader) (int, error) {
	count := 0
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		hashes := size >> (tileHeight * level)
		for number := int64(0); number<<tileHeight < hashes; number++ {
			width := hashes - number<<tileHeight
			if width > 1<<tileHeight {
				width = 1 << tileHeight
			}
			tile := tlog.Tile{H: tileHeight, L: level, N: number, W: int(width)}
			expected, err := tlog.ReadTileData(tile, reader)
			if err != nil {
				return 0, err
			}
			name := hashTileName(tile)
			found, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
			if err != nil {
				return 0, err
			}
			if !bytes.Equal(found, expected) {
				return 0, fmt.Errorf("%s: not that of the entries", name)
			}
			count++
		}
	}
	return count, nil
}

// compareSeen proves that each earlier head is one of the same log.
func compareSeen(folder, origin string, newest head, verifier note.Verifier, reader tlog.HashReader) (int, error) {
	files, err := os.ReadDir(filepath.Join(folder, "seen"))
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		earlier, err := openHead(filepath.Join(folder, "seen", file.Name()), origin, verifier)
		if err != nil {
			return 0, err
		}
		if fmt.Sprint(earlier.size) != file.Name() {
			return 0, fmt.Errorf("seen/%s: of another size", file.Name())
		}
		if earlier.size == 0 {
			continue
		}
		proof, err := tlog.ProveTree(newest.size, earlier.size, reader)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(proof, newest.size, newest.root, earlier.size, earlier.root); err != nil {
			return 0, fmt.Errorf("seen/%s: %w", file.Name(), err)
		}
	}
	return len(files), nil
}

// compareOpenings holds each opening against its entry, and learns keys of logs from the grants.
func compareOpenings(folder string, entries [][]byte, newest head, keys map[string][]byte) (map[int64][]byte, error) {
	files, err := filepath.Glob(filepath.Join(folder, "openings", "*.jsonl"))
	if err != nil {
		return nil, err
	}
	salts := make(map[int64][]byte)
	for _, file := range files {
		name := "openings/" + filepath.Base(file)
		var number int64
		if _, err := fmt.Sscanf(name, "openings/%d.jsonl", &number); err != nil || name != fmt.Sprintf("openings/%d.jsonl", number) {
			return nil, fmt.Errorf("%s: not the name of a file of openings", name)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		lines := bytes.Split(data, []byte("\n"))
		// A line for each entry as far as the last that is opened, and every line ends.
		if len(lines) < 2 || len(lines) > 257 || len(lines[len(lines)-1]) > 0 || len(lines[len(lines)-2]) == 0 {
			return nil, fmt.Errorf("%s: not a line for each entry", name)
		}
		for at, line := range lines {
			if len(line) == 0 {
				continue
			}
			index := number*256 + int64(at)
			salt, err := compareOpening(line, index, entries, newest, keys)
			if err != nil {
				return nil, fmt.Errorf("%s, line %d: %w", name, at+1, err)
			}
			salts[index] = salt
		}
	}
	return salts, nil
}

// compareOpening holds one opening against the entry that its line is for.
func compareOpening(data []byte, index int64, entries [][]byte, newest head, keys map[string][]byte) ([]byte, error) {
	var opening struct {
		Index        int64
		Record, Salt string
	}
	if err := json.Unmarshal(data, &opening); err != nil {
		return nil, err
	}
	strict := base64.RawURLEncoding.Strict()
	record, recordErr := strict.DecodeString(opening.Record)
	salt, saltErr := strict.DecodeString(opening.Salt)
	if recordErr != nil || saltErr != nil || len(salt) != 32 || opening.Index != index || index >= newest.size {
		return nil, fmt.Errorf("not an opening of this entry")
	}
	// It has one spelling.
	if string(data) != fmt.Sprintf(`{"index":%d,"record":"%s","salt":"%s"}`, opening.Index, opening.Record, opening.Salt) {
		return nil, fmt.Errorf("spelled another way")
	}
	if !bytes.Equal(commitmentTo(record, salt), entries[index]) {
		return nil, fmt.Errorf("does not open entry %d", index)
	}
	learn(record, keys)
	return salt, nil
}

// commitmentTo is the entry that a record and its salt give.
func commitmentTo(record, salt []byte) []byte {
	const label = "besace log/v1 consent leaf"
	digest := sha256.Sum256(record)
	committed := append([]byte{byte(len(label))}, label...)
	committed = append(append(committed, salt...), digest[:]...)
	commitment := sha256.Sum256(committed)
	return commitment[:]
}

// learn takes the key of a shopper's log from a grant, if the record is one.
func learn(record []byte, keys map[string][]byte) {
	var document struct{ Payload string }
	var grant struct {
		SubjectLog    string `json:"subject_log"`
		SubjectLogKey string `json:"subject_log_key"`
	}
	if json.Unmarshal(record, &document) != nil {
		return
	}
	payload, err := base64.RawURLEncoding.DecodeString(document.Payload)
	if err != nil || json.Unmarshal(payload, &grant) != nil || grant.SubjectLog == "" {
		return
	}
	if key, err := base64.RawURLEncoding.DecodeString(grant.SubjectLogKey); err == nil {
		keys[grant.SubjectLog] = key
	}
}
