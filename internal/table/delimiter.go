package table

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// delimiters in the order of preference when all fit alike.
const delimiters = ",;\t|"

// sampleRecords is how many records decide about the delimiter.
const sampleRecords = 50

// findDelimiter looks at the first records: the delimiter is the one that gives
// most of them the same number of cells, and the most cells. A first line
// "sep=;" decides alone and is consumed.
func findDelimiter(br *bufio.Reader) (byte, error) {
	head, err := br.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, inputError(err)
	}
	if d, n := sepLine(head); n > 0 {
		_, err := br.Discard(n)
		return d, err
	}
	best, bestScore := delimiters[0], 0.0
	for i := range len(delimiters) {
		if s := score(head, delimiters[i], err != nil); s > bestScore {
			best, bestScore = delimiters[i], s
		}
	}
	return best, nil
}

// sepLine reads the line by which spreadsheet programs tell the delimiter.
func sepLine(head []byte) (delimiter byte, n int) {
	line, _, ok := bytes.Cut(head, []byte("\n"))
	s := strings.TrimSuffix(string(line), "\r")
	if !ok || len(s) != 5 || !strings.EqualFold(s[:4], "sep=") || !strings.Contains(delimiters, s[4:]) {
		return 0, 0
	}
	return s[4], len(line) + 1
}

// score is the share of records with as many cells as the first one, plus a
// little for every cell; 0 if the delimiter does not occur in the first record.
func score(head []byte, delimiter byte, whole bool) float64 {
	s := scanner{r: bufio.NewReader(bytes.NewReader(head)), delimiter: delimiter, line: 1}
	cells, alike, records := 0, 0, 0
	for records < sampleRecords {
		if s.read() != nil {
			break
		}
		if _, err := s.r.Peek(1); err != nil && !whole && records > 0 {
			break // the last record is cut
		}
		records++
		if records == 1 {
			cells = len(s.ends)
		}
		if len(s.ends) == cells && s.problem == nil {
			alike++
		}
	}
	if cells < 2 {
		return 0
	}
	return float64(alike)/float64(records) + float64(min(cells, MaxColumns))/1000
}
