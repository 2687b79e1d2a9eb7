//go:build linux

package script

import (
	"strings"
	"testing"
)

// TestDocumentedNames: what is there without an import, and what modules have.
func TestDocumentedNames(t *testing.T) {
	e := engine(t)
	given := "env context time datetime timedelta date dateutil relativedelta timezone json re b64encode b64decode UserError ValidationError Command fields logging _logger float_compare float_round math"
	if got := value(t, e, "here = locals()\n[n for n in '"+given+"'.split() if n not in here]"); got != "[]" {
		t.Errorf("these are missing: %s", got)
	}
	for module, names := range map[string]string{
		"re":                     "sub match search findall fullmatch split compile escape finditer IGNORECASE I M S subn",
		"datetime":               "datetime date time timedelta timezone",
		"dateutil":               "parser relativedelta tz timezone",
		"dateutil.parser":        "parse",
		"dateutil.relativedelta": "relativedelta",
		"dateutil.tz":            "gettz UTC",
		"time":                   "time sleep strftime gmtime",
		"json":                   "dumps loads",
		"base64":                 "b64encode b64decode urlsafe_b64encode urlsafe_b64decode",
		"math":                   "ceil floor sqrt pi isnan inf",
		"random":                 "random randint choice shuffle sample uniform",
		"string":                 "ascii_letters digits punctuation",
		"uuid":                   "uuid4 UUID uuid5",
		"decimal":                "Decimal ROUND_HALF_UP",
		"collections":            "defaultdict Counter OrderedDict namedtuple deque",
		"itertools":              "chain groupby islice count product",
		"functools":              "reduce partial lru_cache cmp_to_key",
		"operator":               "itemgetter attrgetter add",
		"textwrap":               "dedent wrap fill",
		"html":                   "escape unescape",
		"urllib.parse":           "quote unquote urlencode urlparse parse_qs urljoin",
		"unicodedata":            "normalize category",
		"statistics":             "mean median stdev",
		"hashlib":                "md5 sha1 sha256 sha512",
		"hmac":                   "new compare_digest",
		"logging":                "getLogger debug info warning error exception",
		"odoo.exceptions":        "UserError ValidationError AccessError MissingError",
		"odoo.fields":            "Command Datetime Date",
		"odoo":                   "fields exceptions Command",
	} {
		for _, name := range strings.Fields(names) {
			if got := value(t, e, "from "+module+" import "+name+" as found\nfound is not None"); got != "true" {
				t.Errorf("%s has no %s: %s", module, name, got)
			}
		}
	}
	for _, source := range []string{"import os", "import sys", "import subprocess", "import socket", "import io", "import builtins", "import odoo.addons.queue_job", "import http.client", "import pickle", "import ctypes"} {
		if err := failed(t, run(t, e, noHost{}, request(source))); err.Type != "ImportError" {
			t.Errorf("%s: %v", source, err)
		}
	}
}
