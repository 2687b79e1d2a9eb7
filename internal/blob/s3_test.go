package blob

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// newS3 opens the bucket of the store at KARTOTEKA_TEST_S3, which is
// http://key:secret@host:port, and makes it.
func newS3(t *testing.T) *S3 {
	t.Helper()
	address := os.Getenv("KARTOTEKA_TEST_S3")
	if address == "" {
		t.Skip("KARTOTEKA_TEST_S3 is not set: scripts/s3.sh run -- ... sets it")
	}
	u, err := url.Parse(address)
	check(t, err)
	port, err := strconv.Atoi(u.Port())
	check(t, err)
	secret, _ := u.User.Password()
	s, err := OpenS3(S3Options{Host: u.Hostname(), Port: port, Secure: u.Scheme == "https", Bucket: "test-" + newID(),
		KeyID: u.User.Username(), Secret: secret, Waiting: t.TempDir()})
	check(t, err)
	if err := s.Check(t.Context()); !errors.Is(err, ErrNoBucket) {
		t.Fatalf("no bucket: %v", err)
	}
	check(t, s.client.MakeBucket(t.Context(), s.bucket, minio.MakeBucketOptions{}))
	check(t, s.Check(t.Context()))
	return s
}

func TestS3(t *testing.T) {
	s := newS3(t)
	testStore(t, s)
	check(t, s.Sweep(t.Context(), time.Now()))
	left, err := os.ReadDir(s.waiting)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	other := *s
	other.bucket = "no-" + s.bucket
	if _, err := other.Open(t.Context(), NewKey(1, "a")); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a bucket that is not there: %v", err)
	}
}

// TestS3Large: contents of several parts.
func TestS3Large(t *testing.T) {
	s := newS3(t)
	key := NewKey(1, "large.bin")
	text := strings.Repeat("0123456789abcdef", 40<<20/16)
	n, err := s.Put(t.Context(), key, strings.NewReader(text))
	if err != nil || n != int64(len(text)) {
		t.Fatalf("%d, %v", n, err)
	}
	wantContent(t, s, key, text)
}

func TestS3Previews(t *testing.T) {
	s := newS3(t)
	key := NewKey(1, "x.png")
	_, err := s.Put(t.Context(), key, bytes.NewReader(pngOf(t, 1600, 900)))
	check(t, err)
	size, err := MakePreviews(t.Context(), s, key)
	if err != nil || *size != (Size{1600, 900}) {
		t.Fatalf("%v, %v", size, err)
	}
	wantPNG(t, s, Beside(key, PreviewName), 700, 393)
}
