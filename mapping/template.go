package mapping

import "slices"

// names are the labels by which a pair names the component.
func (c Component) names() []string {
	if len(c.Labels) > 0 {
		return c.Labels
	}
	return []string{c.Label}
}

// componentType says what a component takes and gives (表单控件说明, 获取单个审批实例详情).
type componentType struct {
	settable bool     // an app can fill it when it starts an approval
	writes   []string // the converters that give what it takes
	reads    []string // the converters that take what it gives
	kind     string   // whose ids it holds
}

var (
	asText   = []string{"text", "integer", "number", "date", "datetime", "phone_cn", "dept_name", "html_text", "label", "values", "lookup", attributeConverter}
	asChoice = []string{"text", "integer", "number", "label", "dept_name", "values", "lookup"}
	asNumber = []string{"integer", "number", "values"}
	asDate   = []string{"date", "datetime"}
	asRef    = []string{"ref", "refs", oneOf}
)

// attributeConverter names a reference of which an attribute is sent: a text.
const attributeConverter = "attribute"

// componentTypes are the types the documentation names. Suites and what DingTalk works out itself can only be read.
var componentTypes = map[string]componentType{
	"TextField":            {true, asText, asText, ""},
	"TextareaField":        {true, asText, asText, ""},
	"PhoneField":           {true, []string{"text", "phone_cn", "lookup", "values", attributeConverter}, asText, ""},
	"AddressField":         {true, []string{"text", "label", "lookup", "values"}, asText, ""},
	"NumberField":          {true, asNumber, asText, ""},
	"MoneyField":           {true, asNumber, asText, ""},
	"StarRatingField":      {true, []string{"integer", "values"}, asText, ""},
	"DDSelectField":        {true, asChoice, asText, ""},
	"DDMultiSelectField":   {true, append([]string{"list"}, asChoice...), []string{"list"}, ""},
	"DDDateField":          {true, asDate, append([]string{"text"}, asDate...), ""},
	"DDDateRangeField":     {true, asDate, append([]string{"text"}, asDate...), ""},
	"DDPhotoField":         {true, []string{"urls"}, []string{"urls", "list"}, ""},
	"InnerContactField":    {true, asRef, asRef, "user"},
	"DepartmentField":      {true, asRef, asRef, "department"},
	"RelateField":          {true, asRef, asRef, "approval"},
	"TableField":           {true, []string{"lines"}, []string{"lines"}, ""},
	"TimeAndLocationField": {true, nil, nil, ""},
	"DDAttachment":         {true, nil, nil, ""}, // ids in the approval's own space, which an app cannot upload to
	"CalculateField":       {false, nil, asText, ""},
	"SeqNumberField":       {false, nil, asText, ""},
	"TextNote":             {false, nil, nil, ""},
}

// tableColumns are the types that an app may fill within a table (常见问题 of 官方OA审批).
var tableColumns = []string{"TextField", "TextareaField", "NumberField", "DDPhotoField"}

// filledByDingTalk are the types that nobody fills, however required they are.
var filledByDingTalk = []string{"TextNote", "CalculateField", "SeqNumberField"}

// choices are the types whose values are among the options.
var choices = []string{"DDSelectField", "DDMultiSelectField"}

// markerTypes are the types that can carry the bridge's key.
var markerTypes = []string{"TextField", "TextareaField"}

// leaveLabels are under what names the parts of a leave can be read, whatever its own label.
var leaveLabels = []string{"开始时间", "结束时间", "时长", "请假类型"}

// form finds components by the labels that pairs use.
type form struct {
	components map[string][]Component
	labels     []string // of those that hold a value, in the order of the template
}

func newForm(components []Component) form {
	f := form{components: map[string][]Component{}}
	for _, c := range components {
		names := c.names()
		if c.Type == "DDHolidayField" {
			names = append(slices.Clone(names), leaveLabels...)
		}
		for i, name := range names {
			if slices.Contains(names[:i], name) {
				continue
			}
			f.components[name] = append(f.components[name], c)
			if c.Type != "TextNote" {
				f.labels = append(f.labels, name)
			}
		}
	}
	return f
}
