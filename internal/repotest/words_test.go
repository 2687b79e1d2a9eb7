package repotest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// words that say on which machine, from which mirror or by what something was
// made. They are put together here so that this file does not contain them.
var words = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`(^|[^\w.])/` + `work/`, `(^|[^\w.])/` + `farm/`, `/tmp` + `/k/`, `/root` + `/`,
	`registry\.` + `npmjs`, `npm` + `js\.org`, `proxy\.` + `golang`, `sum\.` + `golang`, `deb\.` + `debian`,
	`\bclau` + `de\b`, `anthro` + `pic`, `chat` + `gpt`, `open` + `ai\b`, `co` + `pilot`, `language` + ` model`,
}, "|"))

func TestWords(t *testing.T) {
	for name := range strings.SplitSeq(command(t, "git", "ls-files", "-z"), "\x00") {
		if name == "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(data, 0) >= 0 {
			continue // not text
		}
		number := 0
		for line := range bytes.Lines(data) {
			number++
			if m := words.Find(line); m != nil {
				t.Errorf("%s:%d mentions %q", name, number, m)
			}
		}
	}
}
