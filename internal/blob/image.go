package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// Sizes of what is made of an image, in pixels.
const (
	previewSide   = 700
	thumbnailSide = 128
)

// maxDecoded bounds the memory that decoding takes: a file of a few bytes can
// stand for any. Usual photos of 64 megapixels are within it.
const maxDecoded = 256 << 20

// decoding lets one image at a time be decoded, since one may be large.
var decoding = make(chan struct{}, 1)

// Size is that of an image in pixels, as it is meant to be seen.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// codec is how one kind of image is read.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var codecs = map[string]codec{
	"jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"png":  {png.DecodeConfig, png.Decode},
	"gif":  {gif.DecodeConfig, gif.Decode}, // the first picture
	"webp": {webp.DecodeConfig, webp.Decode},
	"bmp":  {bmp.DecodeConfig, bmp.Decode},
}

// kindOf tells the kind of image by its first bytes, "" for none.
func kindOf(head []byte) string {
	s := string(head)
	switch {
	case strings.HasPrefix(s, "\xff\xd8\xff"):
		return "jpeg"
	case strings.HasPrefix(s, "\x89PNG\r\n\x1a\n"):
		return "png"
	case strings.HasPrefix(s, "GIF87a") || strings.HasPrefix(s, "GIF89a"):
		return "gif"
	case len(s) >= 12 && s[:4] == "RIFF" && s[8:12] == "WEBP":
		return "webp"
	case strings.HasPrefix(s, "BM"):
		return "bmp"
	}
	return ""
}

// MakePreviews makes preview and thumbnail of a stored content and gives the
// image's size; nil when it is no image, or one that cannot be read or would take
// too much memory.
func MakePreviews(ctx context.Context, store Store, key string) (*Size, error) {
	content, err := store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = content.Close() }()
	head := make([]byte, headLength)
	n, err := io.ReadFull(content, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read a content: %w", err)
	}
	head = head[:n]
	codec, ok := codecs[kindOf(head)]
	if !ok || content.Size > maxDecoded || claimsMore(head, content.Size) {
		return nil, nil
	}
	select {
	case decoding <- struct{}{}:
		defer func() { <-decoding }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other images: %w", context.Cause(ctx))
	}
	img := codec.read(content, head)
	if img == nil {
		return nil, nil
	}
	return &Size{img.Bounds().Dx(), img.Bounds().Dy()}, storePreviews(ctx, store, key, img)
}

// read decodes an image, if that is bearable, and turns it as it is meant.
func (c codec) read(content io.ReadSeeker, head []byte) (img image.Image) {
	defer func() {
		if recover() != nil { // a decoder met what its author did not think of
			img = nil
		}
	}()
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	config, err := c.config(content)
	if err != nil || !bearable(config, head) {
		return nil
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	img, err = c.decode(content)
	if err != nil || img.Bounds().Empty() {
		return nil
	}
	return turned(img, orientation(head))
}

func storePreviews(ctx context.Context, store Store, key string, img image.Image) error {
	small := shrunk(img, 2*previewSide)
	for _, made := range []struct {
		name string
		img  image.Image
	}{{PreviewName, fitted(small, img.Bounds().Size())}, {ThumbnailName, covering(small)}} {
		var b bytes.Buffer
		if err := png.Encode(&b, made.img); err != nil {
			return fmt.Errorf("encode %s: %w", made.name, err)
		}
		if _, err := store.Put(ctx, Beside(key, made.name), &b); err != nil {
			return err
		}
	}
	return nil
}

// samples is how many pixels, in each direction, a pixel of a shrunk image is the
// mean of.
const samples = 3

// shrunk makes a large image about so long, taking the mean of some pixels for
// each: scaling well takes much memory for large images.
func shrunk(img image.Image, side int) image.Image {
	from := img.Bounds()
	long := max(from.Dx(), from.Dy())
	if long < 2*side {
		return img
	}
	w, h := max(1, from.Dx()*side/long), max(1, from.Dy()*side/long)
	source, ok := img.(image.RGBA64Image)
	if !ok {
		return img // of no decoder here
	}
	small := image.NewRGBA64(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			var r, g, b, a uint32
			for i := range samples * samples {
				sx := from.Min.X + (x*samples+i%samples)*from.Dx()/(w*samples)
				sy := from.Min.Y + (y*samples+i/samples)*from.Dy()/(h*samples)
				c := source.RGBA64At(sx, sy)
				r, g, b, a = r+uint32(c.R), g+uint32(c.G), b+uint32(c.B), a+uint32(c.A)
			}
			const n = samples * samples
			small.SetRGBA64(x, y, color.RGBA64{R: uint16(r / n), G: uint16(g / n), B: uint16(b / n), A: uint16(a / n)})
		}
	}
	return small
}

// fitted fits an image of that original size into the preview's square; a smaller
// one stays as it is.
func fitted(img image.Image, size image.Point) image.Image {
	long := max(size.X, size.Y)
	if long > previewSide {
		size = image.Pt(max(1, size.X*previewSide/long), max(1, size.Y*previewSide/long))
	}
	to := image.NewNRGBA(image.Rectangle{Max: size})
	draw.CatmullRom.Scale(to, to.Bounds(), img, img.Bounds(), draw.Src, nil)
	return to
}

// covering cuts the middle square out of an image for the thumbnail.
func covering(img image.Image) image.Image {
	b := img.Bounds()
	side := min(b.Dx(), b.Dy())
	corner := b.Min.Add(image.Pt((b.Dx()-side)/2, (b.Dy()-side)/2))
	to := image.NewNRGBA(image.Rect(0, 0, thumbnailSide, thumbnailSide))
	draw.CatmullRom.Scale(to, to.Bounds(), img, image.Rectangle{Min: corner, Max: corner.Add(image.Pt(side, side))}, draw.Src, nil)
	return to
}
