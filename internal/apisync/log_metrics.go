package apisync

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxMetricEndpoints and maxSeries bound how many lines there are of requests;
	// others count under "other".
	maxMetricEndpoints = 500
	maxSeries          = 10_000
)

// requestSeconds are the upper ends of the ranges that durations are counted in.
var requestSeconds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// Metrics count what the module does since the process began (sync-api.md §7.6). They
// are safe for concurrent use; nil counts nothing.
type Metrics struct {
	mu           sync.Mutex
	requests     map[requestKey]int64
	endpoints    map[string]bool
	seconds      histogram
	limited      map[string]int64
	scripts      histogram
	scriptErrors int64
}

type requestKey struct {
	endpoint, method string
	status           int
}

type histogram struct {
	counts [13]int64 // one more than requestSeconds
	sum    float64
}

func (h *histogram) observe(seconds float64) {
	i, _ := slices.BinarySearch(requestSeconds, seconds)
	h.counts[i]++
	h.sum += seconds
}

// NewMetrics makes Metrics.
func NewMetrics() *Metrics {
	return &Metrics{requests: map[requestKey]int64{}, endpoints: map[string]bool{}, limited: map[string]int64{}}
}

// exchanged counts a request. Endpoints that there are not have no name of their own:
// anybody could make them up.
func (m *Metrics) exchanged(e *Exchanged) {
	if m == nil || e.Direction != DirectionIn {
		return
	}
	key := requestKey{"", "other", e.Status}
	if e.Config != nil {
		key.endpoint = e.Config.Endpoint.Endpoint
	}
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, e.Method) {
		key.method = e.Method
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.endpoints[key.endpoint] {
		if len(m.endpoints) >= maxMetricEndpoints {
			key.endpoint = "other"
		} else {
			m.endpoints[key.endpoint] = true
		}
	}
	if _, known := m.requests[key]; !known && len(m.requests) >= maxSeries {
		key = requestKey{"other", "other", 0}
	}
	m.requests[key]++
	m.seconds.observe(e.Duration / 1000)
}

// Limited counts a request that a rate limit refused: of "ip", "credential" or another
// scope of a few.
func (m *Metrics) Limited(scope string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limited[scope]++
}

// Script counts a run of a script.
func (m *Metrics) Script(took time.Duration, failed bool) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scripts.observe(took.Seconds())
	if failed {
		m.scriptErrors++
	}
}

// WriteMetrics writes the metrics in Prometheus' text format 0.0.4, those of the log
// among them.
func (j *Journal) WriteMetrics(w io.Writer) error {
	var b strings.Builder
	if m := j.options.Metrics; m != nil {
		m.write(&b)
	}
	bodies, entries := j.Dropped()
	metricHead(&b, "sync_log_dropped_total", "counter", "What the log did not take because it could not keep up.")
	fmt.Fprintf(&b, "sync_log_dropped_total{what=\"bodies\"} %d\nsync_log_dropped_total{what=\"entries\"} %d\n", bodies, entries)
	_, err := io.WriteString(w, b.String())
	return err
}

func (m *Metrics) write(b *strings.Builder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	metricHead(b, "sync_requests_total", "counter", "Requests to endpoints.")
	keys := slices.SortedFunc(maps.Keys(m.requests), func(x, y requestKey) int {
		if c := strings.Compare(x.endpoint+"\x00"+x.method, y.endpoint+"\x00"+y.method); c != 0 {
			return c
		}
		return x.status - y.status
	})
	for _, k := range keys {
		fmt.Fprintf(b, "sync_requests_total{endpoint=%s,method=%s,status=\"%d\"} %d\n", label(k.endpoint), label(k.method), k.status, m.requests[k])
	}
	metricHead(b, "sync_request_seconds", "histogram", "How long requests to endpoints took.")
	m.seconds.write(b, "sync_request_seconds")
	metricHead(b, "sync_rate_limited_total", "counter", "Requests that a rate limit refused.")
	for _, scope := range slices.Sorted(maps.Keys(m.limited)) {
		fmt.Fprintf(b, "sync_rate_limited_total{scope=%s} %d\n", label(scope), m.limited[scope])
	}
	metricHead(b, "sync_script_seconds", "histogram", "How long runs of scripts took.")
	m.scripts.write(b, "sync_script_seconds")
	metricHead(b, "sync_script_errors_total", "counter", "Runs of scripts that failed.")
	fmt.Fprintf(b, "sync_script_errors_total %d\n", m.scriptErrors)
}

func metricHead(b *strings.Builder, name, kind, help string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (h *histogram) write(b *strings.Builder, name string) {
	total := int64(0)
	for i, n := range h.counts {
		total += n
		end := "+Inf"
		if i < len(requestSeconds) {
			end = strconv.FormatFloat(requestSeconds[i], 'g', -1, 64)
		}
		fmt.Fprintf(b, "%s_bucket{le=\"%s\"} %d\n", name, end, total)
	}
	fmt.Fprintf(b, "%s_sum %s\n%s_count %d\n", name, strconv.FormatFloat(h.sum, 'g', -1, 64), name, total)
}

// label is a label's value in its quotes.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
