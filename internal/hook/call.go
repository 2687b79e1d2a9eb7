package hook

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/job"
	"kartoteka/internal/outbound"
)

const (
	agent = "Kartoteka-webhook"
	// maxAnswer is how many bytes of an answer are kept to be shown.
	maxAnswer = 4 << 10
)

// call posts a body to a subscription; the response is nil without an answer. id
// names the message in all its attempts.
func (s *Service) call(ctx context.Context, h *catalog.Hook, id string, body []byte) (job.Attempt, *outbound.Response, error) {
	now := s.options.Now()
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {agent}}
	if h.Secret != "" {
		header.Set("X-Hook-Signature", documented(h.Secret, body))
	}
	if len(h.Signing) > 0 {
		timestamp := strconv.FormatInt(now.Unix(), 10)
		header["webhook-id"] = []string{id}
		header["webhook-timestamp"] = []string{timestamp}
		header["webhook-signature"] = []string{standard(h.Signing, id, timestamp, body)}
	}
	begun := time.Now() // how long it took is no matter of the injected clock
	res, err := s.options.Client.Do(ctx, outbound.Request{Method: http.MethodPost, URL: h.URL, Header: header, Body: body})
	a := job.Attempt{Took: time.Since(begun).Milliseconds()}
	if res != nil {
		a.Status, a.Answer = res.Status, shown(res.Body)
	}
	var failed *outbound.Error
	switch {
	case errors.As(err, &failed) && (failed.Reason == outbound.TooLarge && res != nil):
		err = nil // the status says it all
	case errors.As(err, &failed):
		a.Error = failed.Message.In("")
		if failed.Setting != "" {
			a.Error += " (" + failed.Setting + ")"
		}
	case err != nil:
		a.Error = "the call failed"
	}
	if err == nil && !succeeded(a) {
		a.Error = "answered with status " + strconv.Itoa(a.Status)
	}
	return a, res, err
}

// succeeded tells whether an answer means that the event arrived.
func succeeded(a job.Attempt) bool {
	return a.Error == "" && (a.Status >= 200 && a.Status < 400 || a.Status == http.StatusGone)
}

// shown is the beginning of an answer as text that any database takes.
func shown(body []byte) string {
	if len(body) > maxAnswer {
		body = body[:maxAnswer]
		for range utf8.UTFMax - 1 { // the cut may have halved a character
			if r, size := utf8.DecodeLastRune(body); r != utf8.RuneError || size != 1 {
				break
			}
			body = body[:len(body)-1]
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(body), "\uFFFD"), "\x00", "")
}
