package dingtalk

import (
	"context"
	"iter"
	"strings"
	"unicode/utf8"
)

// The paths of the department calls; the error classification refers to them too.
const (
	pathDepartmentCreate        = "/topapi/v2/department/create"
	pathDepartmentUpdate        = "/topapi/v2/department/update"
	pathDepartmentDelete        = "/topapi/v2/department/delete"
	pathDepartmentGet           = "/topapi/v2/department/get"
	pathDepartmentListSub       = "/topapi/v2/department/listsub"
	pathDepartmentListSubID     = "/topapi/v2/department/listsubid"
	pathDepartmentParents       = "/topapi/v2/department/listparentbydept"
	pathDepartmentParentsByUser = "/topapi/v2/department/listparentbyuser"
)

// RootDepartment is the id of the department that stands for the corp. It can be neither changed nor deleted.
const RootDepartment = 1

// DepartmentService holds the calls about departments. None of them counts against the monthly quota.
type DepartmentService struct{ c *Client }

// CheckDepartmentName tells whether DingTalk takes the name of a department: 1 to 64 characters, none of them "-", "," or
// "，" (创建部门). The error is Reject with Field "name". Create and Update make the same check.
func CheckDepartmentName(name string) error { return checkDepartmentName(pathDepartmentCreate, name) }

func checkDepartmentName(api, name string) error {
	switch n := utf8.RuneCountInString(name); {
	case strings.TrimSpace(name) == "":
		return refuse(api, "name", "required")
	case n > 64:
		return refuse(api, "name", "%d characters, at most 64 are allowed", n)
	case strings.ContainsAny(name, "-,，"):
		return refuse(api, "name", "%q contains one of - , ，, which DingTalk does not allow", name)
	}
	return nil
}

// Create adds a department (创建部门, permission qyapi_manage_addresslist) from the fields of DepartmentKind marked Create and
// returns its id. A name taken by a sibling (60021) is Reject of name; an unknown parent (60004) is Missing. A foreign key
// in source_identifier is what an Ambiguous failure is settled by.
func (s *DepartmentService) Create(ctx context.Context, department Object) (deptID int64, err error) {
	if err := checkDepartmentFields(pathDepartmentCreate, department, true); err != nil {
		return 0, err
	}
	body, err := DepartmentKind.encodeCreate(pathDepartmentCreate, department)
	if err != nil {
		return 0, err
	}
	answer, err := s.c.write(ctx, pathDepartmentCreate, body)
	if err != nil {
		return 0, err
	}
	deptID, ok := answer.object("result").Int("dept_id")
	if !ok {
		return 0, &Error{Class: Retry, Ambiguous: true, API: pathDepartmentCreate, Status: 200, Message: "the answer names no dept_id"}
	}
	return deptID, nil
}

// Update changes the fields given and leaves all others alone (更新部门); dept_id says whose. The fields named in clear are
// emptied as their Clear mode in DepartmentKind says. A manager who is no member of the department (40031) is Reject of
// dept_manager_userid_list; the root department is refused (60018).
func (s *DepartmentService) Update(ctx context.Context, department Object, clear ...string) error {
	if err := checkDepartmentFields(pathDepartmentUpdate, department, false); err != nil {
		return err
	}
	if managers, ok := department["dept_manager_userid_list"]; ok && len(idList(managers)) == 0 {
		return refuse(pathDepartmentUpdate, "dept_manager_userid_list", "an empty list must be asked for by naming the field in clear")
	}
	body, err := DepartmentKind.encodeUpdate(pathDepartmentUpdate, department, clear)
	if err != nil {
		return err
	}
	_, err = s.c.write(ctx, pathDepartmentUpdate, body)
	return err
}

// permitPairs are the lists that share one limit of entries.
var permitPairs = [][2]string{{"dept_permits", "user_permits"}, {"outer_permit_depts", "outer_permit_users"}}

func checkDepartmentFields(api string, department Object, create bool) error {
	if name, ok := department["name"]; ok || create {
		if err := checkDepartmentName(api, text(name)); err != nil {
			return err
		}
	}
	for _, pair := range permitPairs {
		if n := len(department.IDs(pair[0])) + len(department.IDs(pair[1])); n > 50 {
			return refuse(api, pair[0], "%d entries together with %s, at most 50 are allowed", n, pair[1])
		}
	}
	return nil
}

// Delete removes a department (删除部门). It is refused while the department or one below it has members (60005), and for the
// root (60007). An empty subtree may go along with it: delete from the bottom up and take IsNotFound as done.
func (s *DepartmentService) Delete(ctx context.Context, deptID int64) error {
	if err := checkDeptID(pathDepartmentDelete, deptID); err != nil {
		return err
	}
	_, err := s.c.write(ctx, pathDepartmentDelete, Object{"dept_id": deptID})
	return err
}

// Get reads one department (获取部门详情, permission qyapi_get_department_list). The root has no parent_id.
func (s *DepartmentService) Get(ctx context.Context, deptID int64) (Object, error) {
	if err := checkDeptID(pathDepartmentGet, deptID); err != nil {
		return nil, err
	}
	answer, err := s.c.read(ctx, pathDepartmentGet, Object{"dept_id": deptID})
	if err != nil {
		return nil, err
	}
	return s.c.one(pathDepartmentGet, DepartmentKind, answer)
}

// ListSub returns the direct children of a department (获取部门列表), with the fields marked List.
func (s *DepartmentService) ListSub(ctx context.Context, deptID int64) ([]Object, error) {
	if err := checkDeptID(pathDepartmentListSub, deptID); err != nil {
		return nil, err
	}
	answer, err := s.c.read(ctx, pathDepartmentListSub, Object{"dept_id": deptID})
	if err != nil {
		return nil, err
	}
	rows := answer.Rows("result")
	for i, row := range rows {
		rows[i] = DepartmentKind.decode(row)
	}
	return rows, nil
}

// ListSubIDs returns the ids of the direct children (获取子部门ID列表), also of those outside the app's contacts scope.
func (s *DepartmentService) ListSubIDs(ctx context.Context, deptID int64) ([]int64, error) {
	if err := checkDeptID(pathDepartmentListSubID, deptID); err != nil {
		return nil, err
	}
	answer, err := s.c.read(ctx, pathDepartmentListSubID, Object{"dept_id": deptID})
	if err != nil {
		return nil, err
	}
	return numbers(answer.object("result")["dept_id_list"]), nil
}

// Parents returns the chain from the department itself up to the root (获取指定部门的所有父部门列表).
func (s *DepartmentService) Parents(ctx context.Context, deptID int64) ([]int64, error) {
	if err := checkDeptID(pathDepartmentParents, deptID); err != nil {
		return nil, err
	}
	answer, err := s.c.read(ctx, pathDepartmentParents, Object{"dept_id": deptID})
	if err != nil {
		return nil, err
	}
	return numbers(answer.object("result")["parent_id_list"]), nil
}

// ParentsByUser returns, for each department the person is in, the chain from it up to the root
// (获取指定用户的所有父部门列表).
func (s *DepartmentService) ParentsByUser(ctx context.Context, userid string) ([][]int64, error) {
	if err := checkUserID(pathDepartmentParentsByUser, userid); err != nil {
		return nil, err
	}
	answer, err := s.c.read(ctx, pathDepartmentParentsByUser, Object{"userid": userid})
	if err != nil {
		return nil, err
	}
	var chains [][]int64
	for _, row := range answer.object("result").Rows("parent_list") {
		chains = append(chains, numbers(row["parent_dept_id_list"]))
	}
	return chains, nil
}

// Walk yields every department below the roots, breadth first, each once; a root is yielded only where it lies below another. Non-positive ids, those of 家校通讯录 (home and school), are passed over. After an error the iteration ends, and
// what was yielded is not the whole. It costs one call per department.
func (s *DepartmentService) Walk(ctx context.Context, roots []int64) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		var queue []int64
		queued, yielded := map[int64]bool{}, map[int64]bool{}
		enqueue := func(id int64) {
			if id > 0 && !queued[id] {
				queued[id] = true
				queue = append(queue, id)
			}
		}
		for _, id := range roots {
			enqueue(id)
		}
		for ; len(queue) > 0; queue = queue[1:] {
			children, err := s.ListSub(ctx, queue[0])
			if err != nil {
				yield(nil, err)
				return
			}
			for _, child := range children {
				id, ok := child.Int("dept_id")
				if !ok || id <= 0 || yielded[id] {
					continue
				}
				yielded[id] = true
				enqueue(id)
				if !yield(child, nil) {
					return
				}
			}
		}
	}
}
