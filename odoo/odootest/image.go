package odootest

import (
	"bytes"
	"encoding/base64"
	"image"
	_ "image/gif"  // formats a photo may come in
	_ "image/jpeg" // likewise
	"image/png"
	"strings"
)

// avatar stands for the default photo that Odoo gives every new contact and employee.
const avatar = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// resizeImages fills image_medium and image_small from image, or from the largest given (odoo/tools/image.py,
// image_resize_images); false clears all three.
func resizeImages(vals values) error {
	for _, name := range []string{"image", "image_medium", "image_small"} {
		v, given := vals[name]
		if !given {
			continue
		}
		if !truthy(v) {
			vals["image"], vals["image_medium"], vals["image_small"] = false, false, false
			return nil
		}
		s := pyStr(v)
		for _, size := range []struct {
			name string
			side int
		}{{"image", 1024}, {"image_medium", 128}, {"image_small", 64}} {
			scaled, err := scale(s, size.side, size.name != "image")
			if err != nil {
				return err
			}
			vals[size.name] = scaled
		}
		return nil
	}
	return nil
}

// scale fits an image into a square of the given side; exact also enlarges, as Odoo does for the thumbnails.
func scale(data string, side int, exact bool) (string, error) {
	if data == avatar {
		return avatar, nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(data))
	if err != nil {
		return "", pythonFault("binascii.Error", "Incorrect padding")
	}
	src, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return "", pythonFault("PIL.UnidentifiedImageError", "cannot identify image file <_io.BytesIO object at 0x7fc64a8590b0>")
	}
	b := src.Bounds()
	if b.Dx() <= side && b.Dy() <= side && !exact {
		return data, nil
	}
	width, height := side, side
	if b.Dx() > b.Dy() {
		height = max(1, side*b.Dy()/b.Dx())
	} else {
		width = max(1, side*b.Dx()/max(1, b.Dy()))
	}
	dst := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			dst.Set(x, y, src.At(b.Min.X+x*b.Dx()/width, b.Min.Y+y*b.Dy()/height))
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, dst); err != nil {
		return "", pythonFault("OSError", "cannot write image: "+err.Error())
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), nil
}

// defaultThumbnails gives a record with the default photo its smaller ones.
func defaultThumbnails(e *env, m *model, id int64) error {
	r := e.row(m.name, id)
	if img := r.at(m.field("image")); img != nil && r.at(m.field("image_medium")) == nil {
		return e.set(m, id, values{"image_medium": img, "image_small": img})
	}
	return nil
}
