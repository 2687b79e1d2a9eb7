package catalog

import (
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

// Catalogs that mean something to the program: that of runs, and those of the section
// of the server.
const (
	processes       query.Catalog = 8
	companies       query.Catalog = 16
	Accounts        query.Catalog = 17
	apiTags         query.Catalog = 20
	companiesGroups query.Catalog = 21
	extensions      query.Catalog = 23
	requests        query.Catalog = 24
)

// Their fields that mean something to the program, beside nameKey and emailKey.
const (
	databaseKey     = "$database"
	creatorKey      = "$creator"
	groupKey        = "$group"
	versionKey      = "$version"
	statusKey       = "$status"
	logoKey         = "$logo"
	faviconKey      = "$favicon"
	backgroundKey   = "$background"
	lastActivityKey = "$lastActivity"
	recordsCountKey = "$recordsCount"
	defaultKey      = "$default"

	companiesKey     = "$companies"
	lastLoginKey     = "$lastLogin"
	failedLoginsKey  = "$failedLogins"
	requestLimitKey  = "$requestLimit"
	limitIntervalKey = "$limitInterval"
	sessionsFromKey  = "$sessionsFrom"

	extensionTitleKey = "$title"
	extensionCodeKey  = "$code"
	extensionIconKey  = "$icon"
	extensionJSKey    = "$js"
	extensionCSSKey   = "$css"

	requestsStartKey   = "$start"
	requestsCompanyKey = "$domain"
	requestsCountKey   = "$count"
	requestsTotalKey   = "$totalTime"
	requestsAverageKey = "$averageTime"
)

// Bounds of the limits of an account.
const (
	maxRequestLimit  = 1_000_000_000
	maxLimitInterval = 31 * 24 * 60 * 60 * 1000 // ms
)

// maxSource is the largest scenario in bytes.
const maxSource = 64 << 10

// fieldName names a field of a system catalog.
type fieldName struct {
	catalog query.Catalog
	key     string
}

// ruled are the system fields with rules beyond those of their types.
var ruled = func() map[fieldName]*systemField {
	m := map[fieldName]*systemField{}
	for i := range systemCatalogs {
		c := &systemCatalogs[i]
		for j := range c.fields {
			if f := &c.fields[j]; f.kept || f.unique || f.check != nil {
				m[fieldName{c.num, f.key}] = f
			}
		}
	}
	return m
}()

// rules are those of a system field beyond its type's, nil for none.
func (f *Field) rules() *systemField {
	if !f.System {
		return nil
	}
	return ruled[fieldName{f.Catalog, f.Key}]
}

// kept tells whether the field is filled by the server: what callers write is
// passed over, so that a record that was read can be sent back.
func (f *Field) kept() bool {
	r := f.rules()
	return r != nil && r.kept
}

// checkSystem finds what is wrong with the new value of a system field.
func checkSystem(f *Field, v Value) *fault.Detail {
	if r := f.rules(); r != nil && r.check != nil {
		return r.check(f, v)
	}
	return nil
}

func webAddress(f *Field, v Value) *fault.Detail {
	t, _ := v.(Text)
	if u, err := url.Parse(strings.TrimSpace(string(t))); t == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return failed(f, fault.Type, "%s: an address begins with http:// or https://", f.Name)
}

func sourceSize(f *Field, v Value) *fault.Detail {
	if t, _ := v.(Text); len(t) > maxSource {
		return failed(f, fault.TooLong, "%s: at most %d bytes", f.Name, maxSource)
	}
	return nil
}

var (
	codeForm      = regexp.MustCompile(`^[A-Za-z0-9-]*$`)
	requestForm   = regexp.MustCompile(`^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$`)
	subdomainForm = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)?$`)
)

// reservedSubdomains are never a company's.
var reservedSubdomains = []string{"admin", "www", "api"}

func extensionCode(f *Field, v Value) *fault.Detail {
	if t, _ := v.(Text); !codeForm.MatchString(string(t)) {
		return failed(f, fault.Type, "%s: only Latin letters, digits and hyphens", f.Name)
	}
	return nil
}

func webRequestCode(f *Field, v Value) *fault.Detail {
	if t, _ := v.(Text); !requestForm.MatchString(string(t)) {
		return failed(f, fault.Type, "%s: only Latin letters, digits, - and _, in parts between slashes", f.Name)
	}
	return nil
}

func subdomain(f *Field, v Value) *fault.Detail {
	t, _ := v.(Text)
	switch {
	case !subdomainForm.MatchString(string(t)):
		return failed(f, fault.Type, "%s: only Latin letters, digits and hyphens", f.Name)
	case slices.Contains(reservedSubdomains, strings.ToLower(string(t))):
		return failed(f, fault.Type, "%s: this name is reserved", f.Name)
	}
	return nil
}

// unlocks takes no other count of failed log-ins than none.
func unlocks(f *Field, v Value) *fault.Detail {
	if n, _ := v.(Number); n != 0 {
		return failed(f, fault.Max, "%s: it can only be set to 0, which unlocks the account", f.Name)
	}
	return nil
}

// wholeUpTo takes whole numbers from 0 to most.
func wholeUpTo(most float64) func(*Field, Value) *fault.Detail {
	return func(f *Field, v Value) *fault.Detail {
		switch n, _ := v.(Number); {
		case n < 0:
			return failed(f, fault.Min, "%s: at least %v", f.Name, 0)
		case float64(n) > most:
			return failed(f, fault.Max, "%s: at most %v", f.Name, int64(most))
		case float64(n) != math.Trunc(float64(n)):
			return failed(f, fault.Type, "%s: only whole numbers", f.Name)
		}
		return nil
	}
}
