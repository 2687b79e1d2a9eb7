package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
)

// receive reads the body of an answer.
func (c *call) receive(ctx context.Context, res *http.Response, t target) (*Response, error) {
	defer func() { _ = res.Body.Close() }() // an unread rest ends the connection
	answer := &Response{Status: res.StatusCode, Header: res.Header, URL: t.url}
	limit := c.request.MaxBody
	if res.ContentLength > limit && c.request.Method != http.MethodHead {
		return answer, tooLarge(t.shown, limit, errors.New("by its Content-Length"))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	answer.Body = body[:min(int64(len(body)), limit)]
	if err != nil {
		return answer, c.explain(ctx, t.shown, err)
	}
	if int64(len(body)) > limit {
		return answer, tooLarge(t.shown, limit, nil)
	}
	return answer, nil
}

// redirects are the statuses that name another address for the same request, or
// for a GET.
var redirects = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

// next gives where an answer sends the call to, nil when that is not followed.
func (c *call) next(res *http.Response, from target) (*target, error) {
	to := res.Header.Get("Location")
	get := c.request.Method == http.MethodGet || c.request.Method == http.MethodHead
	if c.client.config.MaxRedirects == 0 || !get || to == "" || !slices.Contains(redirects, res.StatusCode) {
		return nil, nil
	}
	if len(to) > MaxURL {
		return nil, badResponse(from.shown, errors.New("the Location is too long"))
	}
	u, err := from.url.Parse(to)
	if err != nil {
		return nil, badResponse(from.shown, err)
	}
	t, err := c.client.config.Policy.parsed(u)
	return &t, err
}

// trusts tells whether what was sent to one target may be sent to another.
func trusts(from, to target) bool {
	same := from.url.Scheme == to.url.Scheme && from.port == to.port
	raised := from.url.Scheme == "http" && from.port == 80 && to.url.Scheme == "https" && to.port == 443
	return from.host == to.host && (same || raised)
}

// harmless are the headers that any host may see. Every other one may be a
// credential: there is no list of their names.
func harmless(header http.Header) http.Header {
	left := http.Header{}
	for _, name := range []string{"Accept", "Accept-Language", "User-Agent"} {
		if v := header.Values(name); len(v) > 0 {
			left[name] = v
		}
	}
	return left
}
