package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// writers write the values of the types of components that an app may fill (表单控件说明). They get one value for each of the
// component's labels, none of them empty. An error that is no *FormError is about the component.
var writers = map[string]func(Component, []any) (string, error){
	"TextField":            writeText,
	"TextareaField":        writeLines,
	"PhoneField":           writeText,
	"NumberField":          writeNumber,
	"MoneyField":           writeNumber,
	"StarRatingField":      writeStars,
	"DDSelectField":        writeOption,
	"DDMultiSelectField":   writeOptions,
	"DDDateField":          writeDate,
	"DDDateRangeField":     writeRange,
	"DDPhotoField":         writeList,
	"InnerContactField":    writeList,
	"RelateField":          writeList,
	"DepartmentField":      writeDepartments,
	"AddressField":         writeAddress,
	"DDAttachment":         writeFiles,
	"TimeAndLocationField": writePlace,
}

// writer finds how a component is written; false: an app cannot fill it.
func (c Component) writer() (write func(Component, []any) (string, error), ok bool) {
	if c.Type == "TableField" { // whose cells have writers themselves
		return writeTable, true
	}
	write, ok = writers[c.Type]
	return write, ok
}

// tableChildren are the types that work as a table's child when an app fills it (the FAQ of 官方OA审批, 2026-07-14).
var tableChildren = []string{"TextField", "TextareaField", "NumberField", "DDPhotoField"}

func writeText(_ Component, parts []any) (string, error) { return scalar(parts[0]) }

// writeLines writes a text of several lines, which DingTalk separates by \r\n.
func writeLines(_ Component, parts []any) (string, error) {
	s, err := scalar(parts[0])
	return strings.ReplaceAll(lines(s), "\n", "\r\n"), err
}

// lines is a text whose lines are separated by \n.
func lines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

var numeric = regexp.MustCompile(`^-?\d+(\.\d+)?$`)

func writeNumber(_ Component, parts []any) (string, error) {
	s, err := scalar(parts[0])
	if err == nil && !numeric.MatchString(s) {
		err = fmt.Errorf("%q is not a number", cut(s, 60))
	}
	return s, err
}

func writeStars(_ Component, parts []any) (string, error) {
	s, err := scalar(parts[0])
	if err != nil {
		return "", err
	}
	n, ok := integer(s)
	if !ok || n < 1 || n > 10 {
		return "", fmt.Errorf("%q is not a number of stars", cut(s, 60))
	}
	return text(n), nil
}

func writeOption(c Component, parts []any) (string, error) {
	s, err := scalar(parts[0])
	if err != nil {
		return "", err
	}
	return s, c.hasOption(s)
}

func writeOptions(c Component, parts []any) (string, error) {
	chosen, err := scalars(parts[0])
	if err != nil {
		return "", err
	}
	for _, s := range chosen {
		if err := c.hasOption(s); err != nil {
			return "", err
		}
	}
	return compact(chosen)
}

// hasOption refuses what is no option. A component without options takes them from elsewhere, as another form.
func (c Component) hasOption(s string) error {
	if len(c.Options) == 0 || slices.Contains(c.Options, s) {
		return nil
	}
	return fmt.Errorf("%q is no option; there are %s", cut(s, 60), named(c.Options))
}

// compact is a JSON text.
func compact(v any) (string, error) {
	raw, err := marshal(v)
	return string(raw), err
}

const minutes = "2006-01-02 15:04"

func writeDate(c Component, parts []any) (string, error) {
	at, err := date(parts[0])
	if err != nil {
		return "", err
	}
	return at.Format(c.dateLayout()), nil
}

func date(v any) (time.Time, error) {
	s, err := scalar(v)
	if err != nil {
		return time.Time{}, err
	}
	for _, layout := range []string{time.DateOnly, minutes, time.DateTime} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date written as 2006-01-02 or 2006-01-02 15:04", cut(s, 60))
}

// dateLayout is how the component shows dates. Where it does not say, only its unit tells whether there is a time of day.
func (c Component) dateLayout() string {
	if strings.Contains(c.Format, "HH") || c.Format == "" && c.Unit == "小时" {
		return minutes
	}
	return time.DateOnly
}

// writeRange takes a value for each of two labels, or a list of two under one.
func writeRange(c Component, parts []any) (string, error) {
	if len(parts) == 1 {
		parts = list(parts[0])
	}
	if len(parts) != 2 {
		return "", errors.New("a range has a beginning and an end")
	}
	labels := c.labels()
	var ends []time.Time
	var texts []string
	for i, part := range parts {
		at, err := date(part)
		if err != nil {
			return "", &FormError{Label: labels[min(i, len(labels)-1)], Words: err.Error()}
		}
		ends, texts = append(ends, at), append(texts, at.Format(c.dateLayout()))
	}
	if ends[1].Before(ends[0]) {
		return "", &FormError{Label: labels[len(labels)-1], Words: fmt.Sprintf("%s is before %s", texts[1], texts[0])}
	}
	return compact(texts)
}

func writeList(_ Component, parts []any) (string, error) {
	ids, err := scalars(parts[0])
	if err != nil {
		return "", err
	}
	return compact(ids)
}

func writeDepartments(_ Component, parts []any) (string, error) {
	ids, err := scalars(parts[0])
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if n, ok := integer(id); !ok || n < -1 || n == 0 {
			return "", fmt.Errorf("%q is no department", cut(id, 60))
		}
	}
	return strings.Join(ids, ","), nil
}

func writeAddress(_ Component, parts []any) (string, error) {
	steps, err := scalars(parts[0])
	return strings.Join(steps, ","), err
}

// attachment is a file of the approval space (审批钉盘空间).
type attachment struct {
	SpaceID  string `json:"spaceId"`
	FileName string `json:"fileName"`
	FileSize string `json:"fileSize"`
	FileType string `json:"fileType"`
	FileID   string `json:"fileId"`
}

func writeFiles(_ Component, parts []any) (string, error) {
	var files []attachment
	for _, v := range list(parts[0]) {
		m, ok := v.(map[string]any)
		if !ok {
			return "", fmt.Errorf("a file with spaceId, fileName, fileSize, fileType and fileId expected, got %T", v)
		}
		o := Object(m)
		for _, name := range fileFields {
			if o.Text(name) == "" {
				return "", fmt.Errorf("a file without %s", name)
			}
		}
		files = append(files, attachment{
			SpaceID: o.Text("spaceId"), FileName: o.Text("fileName"), FileSize: o.Text("fileSize"), FileType: o.Text("fileType"), FileID: o.Text("fileId"),
		})
	}
	return compact(files)
}

var fileFields = []string{"spaceId", "fileName", "fileSize", "fileType", "fileId"}

// writePlace writes [time, longitude, latitude, address, accuracy].
func writePlace(_ Component, parts []any) (string, error) {
	var flat []any
	for _, part := range parts {
		flat = append(flat, list(part)...)
	}
	if len(flat) != 5 {
		return "", errors.New("a time, and a place of longitude, latitude, address and accuracy expected")
	}
	for i, v := range flat {
		if isEmpty(v) {
			return "", errors.New("a time, longitude, latitude, address and accuracy are all needed")
		}
		if s, ok := v.(string); ok && i != 0 && i != 3 {
			if !numeric.MatchString(s) {
				return "", fmt.Errorf("%q is not a number", cut(s, 60))
			}
			flat[i] = json.Number(s)
		}
	}
	return compact(flat)
}

// tableCell is one value of a row.
type tableCell struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// writeTable writes rows of cells. A row in which nothing is filled is left out.
func writeTable(c Component, parts []any) (string, error) {
	table := c.Label + "."
	rows := [][]tableCell{}
	var errs []error
	told := map[string]bool{} // what is wrong with a column is told of its first row
	for i, v := range list(parts[0]) {
		row, ok := v.(map[string]any)
		if !ok {
			return "", fmt.Errorf("rows by the labels of the table's components expected, got %T", v)
		}
		if blank(row) {
			continue
		}
		cells, wrong := writeRow(c, row)
		for _, err := range wrong {
			e := &FormError{Label: c.Label, Words: err.Error()}
			errors.As(err, &e)
			e.Label = table + strings.TrimPrefix(e.Label, table)
			if !told[e.Error()] {
				told[e.Error()] = true
				errs = append(errs, &FormError{Label: e.Label, Words: fmt.Sprintf("row %d: %s", i+1, e.Words)})
			}
		}
		rows = append(rows, cells)
	}
	if len(errs) > 0 || len(rows) == 0 {
		return "", errors.Join(errs...)
	}
	return compact(rows)
}

func blank(row map[string]any) bool {
	for _, v := range row {
		if !isEmpty(v) {
			return false
		}
	}
	return true
}

func writeRow(table Component, row map[string]any) ([]tableCell, []error) {
	errs := unknownLabels("", table.Children, row)
	var cells []tableCell
	for _, child := range table.Children {
		v, given, err := child.encode(row)
		switch {
		case err != nil:
			errs = append(errs, err)
		case given && !slices.Contains(tableChildren, child.Type):
			errs = append(errs, &FormError{Label: firstLabel(child), Words: fmt.Sprintf("a component of type %s cannot be filled by an app inside a table, only %s", child.Type, strings.Join(tableChildren, ", "))})
		case given:
			cells = append(cells, tableCell{Name: v.Name, Value: v.Value})
		}
	}
	return cells, errs
}
