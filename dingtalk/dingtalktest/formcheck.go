package dingtalktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of a form (document 发起审批实例).
const (
	formValues    = 150 // values of one start
	oldFormValues = 200 // of the old API
	formValueLen  = 65535
)

// jsonText is v as DingTalk nests it: JSON in a text, without escaping <, > and &.
func jsonText(v any) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(buf.String(), "\n")
}

// parseJSON reads a text that must be one JSON value.
func parseJSON(text string, into any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	if dec.More() {
		return fmt.Errorf("read JSON: more than one value")
	}
	return nil
}

// badComponent is the answer to a value that does not fit its component.
func badComponent(label string) *Refusal {
	return flowRefusal(820001, "formConverterError", "失败控件：%s", label)
}

// formCheck is how strictly a form is looked at.
type formCheck struct {
	byHand    bool // people see only what fits: any component, any child of a table
	dropped   bool // Knobs.UnknownLabelsDropped
	anyChild  bool
	dateOnly  bool
	instances map[string]*instance
}

// checkForm resolves the values of a start against the template and refuses what does not fit (documents 发起审批实例,
// 表单控件说明). Empty values count as not given. Values come back with the ids and types of their components.
func (s *Server) checkForm(t *Template, form []FormValue, byHand bool) ([]FormValue, *Refusal) {
	check := formCheck{
		byHand: byHand, dropped: s.knobs.UnknownLabelsDropped && !byHand, anyChild: s.knobs.AnyTableChild || byHand,
		dateOnly: s.knobs.DateOnly && !byHand, instances: s.approvals.instances,
	}
	var out []FormValue
	given := map[string]bool{}
	for _, v := range form {
		c := t.component(&v)
		if c == nil && check.dropped {
			continue
		}
		if c == nil || v.Type != "" && v.Type != c.Type || given[c.ID] {
			return nil, badComponent(v.Name)
		}
		if v.Value == "" {
			continue
		}
		if no := s.checkValue(check, c, &v); no != nil {
			return nil, no
		}
		given[c.ID] = true
		v.ID, v.Type, v.Alias = c.ID, c.Type, c.Alias
		out = append(out, v)
	}
	for i := range t.Components {
		if c := &t.Components[i]; c.Required && c.Type != "TextNote" && !given[c.ID] {
			return nil, badComponent(c.wireName())
		}
	}
	return out, nil
}

func (s *Server) checkValue(check formCheck, c *Component, v *FormValue) *Refusal {
	fits, settable := valueChecks[c.Type]
	switch {
	case c.Type == "TextNote":
		return badComponent(c.wireName())
	case c.BizType != "" || !settable && c.Type != "TableField":
		if check.byHand {
			return nil
		}
		return flowRefusal(820001, "illegalComponent", "不支持的控件：%s", c.wireName())
	case len([]rune(v.Value)) > formValueLen:
		return badComponent(c.wireName())
	case c.Type == "TableField":
		return s.checkTable(check, c, v.Value)
	case !fits(s, check, c, v.Value):
		return badComponent(c.wireName())
	}
	return nil
}

// cell is one value of a table's row, as it is sent.
type cell struct {
	ID    string  `json:"id"`
	Key   string  `json:"key"`
	Alias string  `json:"bizAlias"`
	Name  string  `json:"name"`
	Value *string `json:"value"`
}

// tableChildren are the components that work inside a table when an app starts (FAQ of 2026-07-14).
var tableChildren = []string{"TextField", "TextareaField", "NumberField", "DDPhotoField"}

func (s *Server) checkTable(check formCheck, c *Component, text string) *Refusal {
	var rows [][]cell
	if err := parseJSON(text, &rows); err != nil {
		return badComponent(c.Label)
	}
	for _, row := range rows {
		filled := map[string]bool{}
		for _, cell := range row {
			child := c.child(cell)
			if child == nil || cell.Value == nil || filled[child.ID] {
				return badComponent(c.Label)
			}
			if *cell.Value == "" {
				continue
			}
			if !check.anyChild && !slices.Contains(tableChildren, child.Type) {
				return flowRefusal(820001, "illegalComponent", "不支持的控件：%s", child.wireName())
			}
			if no := s.checkValue(check, child, &FormValue{Value: *cell.Value}); no != nil {
				return no
			}
			filled[child.ID] = true
		}
		for i := range c.Children {
			if child := &c.Children[i]; child.Required && !filled[child.ID] {
				return badComponent(child.wireName())
			}
		}
	}
	return nil
}

// child is the component that a cell is about.
func (c *Component) child(cell cell) *Component {
	id := cell.ID
	if id == "" {
		id = cell.Key
	}
	return findComponent(c.Children, &FormValue{ID: id, Alias: cell.Alias, Name: cell.Name})
}

// valueChecks say what a component takes when an app starts; components that are not here an app may not set.
var valueChecks = map[string]func(*Server, formCheck, *Component, string) bool{
	"TextField": anyText, "TextareaField": anyText, "AddressField": anyText,
	"NumberField": isNumber, "MoneyField": isNumber,
	"PhoneField": func(_ *Server, _ formCheck, _ *Component, text string) bool { return phone.MatchString(text) },
	"DDSelectField": func(_ *Server, _ formCheck, c *Component, text string) bool {
		return slices.Contains(c.Options, text)
	},
	"DDMultiSelectField": func(_ *Server, _ formCheck, c *Component, text string) bool {
		return eachText(text, func(option string) bool { return slices.Contains(c.Options, option) })
	},
	"DDDateField": func(_ *Server, check formCheck, c *Component, text string) bool {
		_, ok := readDate(c, text, check.dateOnly)
		return ok
	},
	"DDDateRangeField": isRange,
	"DDPhotoField": func(_ *Server, _ formCheck, _ *Component, text string) bool {
		return eachText(text, func(url string) bool {
			return strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")
		})
	},
	"DDAttachment": isAttachment,
	"InnerContactField": func(s *Server, _ formCheck, c *Component, text string) bool {
		var ids []string
		return parseJSON(text, &ids) == nil && (c.Multiple || len(ids) == 1) &&
			eachText(text, func(id string) bool { return s.dir.users[id] != nil })
	},
	"DepartmentField": isDepartments,
	"RelateField": func(_ *Server, check formCheck, c *Component, text string) bool {
		return eachText(text, func(id string) bool {
			in := check.instances[id]
			return in != nil && !in.Deleted && (c.Templates == nil || slices.Contains(c.Templates, in.Code))
		})
	},
	"StarRatingField": func(_ *Server, _ formCheck, c *Component, text string) bool {
		most := c.Limit
		if most == 0 {
			most = 5
		}
		n, err := strconv.Atoi(text)
		return err == nil && n >= 1 && n <= most
	},
	"TimeAndLocationField": func(_ *Server, _ formCheck, _ *Component, text string) bool {
		var list []any
		return parseJSON(text, &list) == nil && len(list) == 5
	},
}

var (
	phone  = regexp.MustCompile(`^(\+?\d{1,4}-)?[\d-]{5,20}$`)
	number = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
)

func anyText(*Server, formCheck, *Component, string) bool { return true }

func isNumber(_ *Server, _ formCheck, _ *Component, text string) bool {
	return number.MatchString(text)
}

// eachText tells whether text is a JSON list with at least one text, each of which fits.
func eachText(text string, fits func(string) bool) bool {
	var list []string
	return parseJSON(text, &list) == nil && len(list) > 0 &&
		!slices.ContainsFunc(list, func(one string) bool { return !fits(one) })
}

// dateLayout is the form of a component's dates.
func (c *Component) dateLayout() string {
	if strings.Contains(c.Format, "HH:mm") || c.Format == "" && c.Unit == "小时" {
		return "2006-01-02 15:04"
	}
	return time.DateOnly
}

// readDate reads a date of the component. The document 发起审批实例 knows only yyyy-MM-dd, its supplement also the
// minutes of a component with hours; dateOnly believes the first.
func readDate(c *Component, text string, dateOnly bool) (time.Time, bool) {
	layouts := []string{time.DateOnly}
	if c.dateLayout() != time.DateOnly && !dateOnly {
		layouts = append(layouts, c.dateLayout())
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func isRange(_ *Server, check formCheck, c *Component, text string) bool {
	var list []string
	if parseJSON(text, &list) != nil || len(list) != 2 {
		return false
	}
	from, ok := readDate(c, list[0], check.dateOnly)
	to, alsoOK := readDate(c, list[1], check.dateOnly)
	return ok && alsoOK && !to.Before(from)
}

func isAttachment(_ *Server, _ formCheck, _ *Component, text string) bool {
	var list []map[string]any
	if parseJSON(text, &list) != nil || len(list) == 0 {
		return false
	}
	for _, file := range list {
		for _, key := range []string{"spaceId", "fileName", "fileSize", "fileType", "fileId"} {
			if asText(file[key]) == "" {
				return false
			}
		}
	}
	return true
}

func isDepartments(s *Server, _ formCheck, c *Component, text string) bool {
	ids := strings.Split(text, ",")
	if len(ids) > 1 && !c.Multiple {
		return false
	}
	return !slices.ContainsFunc(ids, func(part string) bool {
		id, err := strconv.ParseInt(part, 10, 64)
		return err != nil || s.dir.units[fromShown(id)] == nil
	})
}
