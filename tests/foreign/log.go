// Verifies the logs of an evidence bundle with nothing of ours: notes, trees and proofs are those of
// golang.org/x/mod/sumdb, as Debian packages it. spec/log.md, spec/audit.md.
//
//	log EVIDENCE POLICY
//
// For each log: its head is signed by the pinned key, its tiles are those of the tree over its entries, the tree has
// the signed root, every earlier head is one of the same tree, and every opening fits its entry and is in the tree.
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
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: log EVIDENCE POLICY")
		os.Exit(2)
	}
	if err := verify(os.Args[1], os.Args[2]); err != nil {
		fmt.Println("does not hold:", err)
		os.Exit(1)
	}
}

func verify(evidence, policyFile string) error {
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
	for _, origin := range origins {
		found, err := verifyLog(filepath.Join(logs, filepath.FromSlash(origin)), origin, keys)
		if err != nil {
			return fmt.Errorf("%s: %w", origin, err)
		}
		fmt.Println(found)
	}
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

// openHead verifies a signed checkpoint: the note, its one signature, its three lines.
func openHead(path, origin string, verifier note.Verifier) (head, error) {
	message, err := os.ReadFile(path)
	if err != nil {
		return head{}, err
	}
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		return head{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != origin || len(opened.UnverifiedSigs) != 0 {
		return head{}, fmt.Errorf("%s: not a checkpoint of this log", filepath.Base(path))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return head{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return head{size, root}, err
}

func verifyLog(folder, origin string, keys map[string][]byte) (string, error) {
	key, known := keys[origin]
	if !known {
		return "", fmt.Errorf("no key is known for it")
	}
	named := append([]byte{1}, key...)
	id := sha256.Sum256(append([]byte(origin+"\n"), named...))
	vkey := fmt.Sprintf("%s+%08x+%s", origin, binary.BigEndian.Uint32(id[:4]), base64.StdEncoding.EncodeToString(named))
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", err
	}
	head, err := openHead(filepath.Join(folder, "checkpoint"), origin, verifier)
	if err != nil {
		return "", err
	}
	entries, err := readEntries(folder, head.size)
	if err != nil {
		return "", err
	}

	// The tree over the entries, in the layout of the checksum database.
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
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
		hashes, err := tlog.StoredHashes(int64(i), entry, reader)
		if err != nil {
			return "", err
		}
		stored = append(stored, hashes...)
	}
	if head.size > 0 {
		root, err := tlog.TreeHash(head.size, reader)
		if err != nil {
			return "", err
		}
		if root != head.root {
			return "", fmt.Errorf("checkpoint: its root is not that of the entries")
		}
	}
	tiles, err := compareTiles(folder, head.size, reader)
	if err != nil {
		return "", err
	}
	seen, err := compareSeen(folder, origin, head, verifier, reader)
	if err != nil {
		return "", err
	}
	openings, err := compareOpenings(folder, entries, head, reader, keys)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: entries %d, tiles %d, earlier heads %d, openings %d", origin, head.size, tiles, seen, openings), nil
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
			name := fmt.Sprintf("tile/%d/%s", level, tileName(number, width))
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
func compareOpenings(folder string, entries [][]byte, newest head, reader tlog.HashReader, keys map[string][]byte) (int, error) {
	files, err := filepath.Glob(filepath.Join(folder, "openings", "*.jsonl"))
	if err != nil {
		return 0, err
	}
	count := 0
	for _, file := range files {
		name := "openings/" + filepath.Base(file)
		var number int64
		if _, err := fmt.Sscanf(name, "openings/%d.jsonl", &number); err != nil || name != fmt.Sprintf("openings/%d.jsonl", number) {
			return 0, fmt.Errorf("%s: not the name of a file of openings", name)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		lines := bytes.Split(data, []byte("\n"))
		// A line for each entry as far as the last that is opened, and every line ends.
		if len(lines) < 2 || len(lines) > 257 || len(lines[len(lines)-1]) > 0 || len(lines[len(lines)-2]) == 0 {
			return 0, fmt.Errorf("%s: not a line for each entry", name)
		}
		for at, line := range lines {
			if len(line) == 0 {
				continue
			}
			if err := compareOpening(line, number*256+int64(at), entries, newest, reader, keys); err != nil {
				return 0, fmt.Errorf("%s, line %d: %w", name, at+1, err)
			}
			count++
		}
	}
	return count, nil
}

// compareOpening holds one opening against the entry that its line is for.
func compareOpening(data []byte, index int64, entries [][]byte, newest head, reader tlog.HashReader, keys map[string][]byte) error {
	var opening struct {
		Index        int64
		Record, Salt string
	}
	if err := json.Unmarshal(data, &opening); err != nil {
		return err
	}
	strict := base64.RawURLEncoding.Strict()
	record, recordErr := strict.DecodeString(opening.Record)
	salt, saltErr := strict.DecodeString(opening.Salt)
	if recordErr != nil || saltErr != nil || len(salt) != 32 || opening.Index != index || index >= newest.size {
		return fmt.Errorf("not an opening of this entry")
	}
	// It has one spelling.
	if string(data) != fmt.Sprintf(`{"index":%d,"record":"%s","salt":"%s"}`, opening.Index, opening.Record, opening.Salt) {
		return fmt.Errorf("spelled another way")
	}
	const label = "besace log/v1 consent leaf"
	digest := sha256.Sum256(record)
	committed := append([]byte{byte(len(label))}, label...)
	committed = append(append(committed, salt...), digest[:]...)
	commitment := sha256.Sum256(committed)
	if !bytes.Equal(commitment[:], entries[index]) {
		return fmt.Errorf("does not open entry %d", index)
	}
	proof, err := tlog.ProveRecord(newest.size, index, reader)
	if err != nil {
		return err
	}
	leaf := tlog.RecordHash(entries[index])
	if err := tlog.CheckRecord(proof, newest.size, newest.root, index, leaf); err != nil {
		return err
	}
	learn(record, keys)
	return nil
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
