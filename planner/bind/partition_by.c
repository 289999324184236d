/* PARTITION BY: new keys in front of the rows, and an exchange. */
#include "planner/bind/select.h"

typedef struct Repartition {
	SelectBinder *sb;
	int			  n;
	Expr		**keys;
} Repartition;

/* The rows have the new keys in front: equal expressions become key columns, other columns move by n. */
static Expr *
place_partition(const Expr *e, void *context)
{
	Repartition *p = context;
	Arena		*arena = p->sb->binder->arena;
	Expr		 bare = *e;

	bare.is_guarded = e->kind == EXPR_CAST && e->is_guarded;
	for (int i = 0; i < p->n; i++)
		if (expr_equal(p->keys[i], &bare))
			return expr_column(arena, i, e->type, e->name);
	if (e->kind == EXPR_COLUMN && e->index < REF_AGGREGATE)
		return expr_column(arena, e->index + p->n, e->type, e->name);
	return NULL;
}

static bool
uses_value_column(const Expr *e, void *context)
{
	const Logical *rows = context;

	return e->kind == EXPR_COLUMN && e->index >= rows->n_key;
}

Status
plan_partition_by(SelectBinder *sb, SelectList *list, Error *err)
{
	Binder			*b = sb->binder;
	const AstSelect *ast = sb->ast;
	ExprBinder		 eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_PARTITION_BY};
	Repartition		 p = {.sb = sb};
	Logical			*input = sb->rows, *project;
	bool			*null_for_null;
	bool			 is_null = false, has_star = false;
	int				 n_out;
	Expr		   **exprs;
	const char	   **names;

	b->is_repartitioned = true;
	if (input->is_table) {
		return error_user(err, "PARTITION BY is only supported for streams, not for tables.%s",
						  b->standard ? "" : " Cannot repartition a TABLE source.");
	}
	if (ast->n_group_by > 0)
		return error_user(err, "Only one of GROUP BY and PARTITION BY can be used.");
	if (input->window.kind != WINDOW_NONE)
		return error_user(err, b->standard ? "A windowed source cannot be partitioned anew."
										   : "Implicit repartitioning of windowed sources is not supported. See "
											 "https://github.com/confluentinc/ksql/issues/4385.");
	p.keys = arena_array(b->arena, Expr *, ast->n_partition_by + 1);
	for (int i = 0; i < ast->n_partition_by; i++) {
		const AstExpr *e = ast->partition_by[i];

		TRY(bind_expr(&eb, e, &p.keys[p.n], err));
		if (p.keys[p.n]->type->kind == TYPE_NULL) {
			is_null = true;
			if (ast->n_partition_by > 1) {
				error_user(err, "Cannot PARTITION BY multiple columns including NULL");
				return error_at_pos(err, e->pos);
			}
			continue;
		}
		if (type_has_map(p.keys[p.n]->type)) {
			const char *name = p.keys[p.n]->kind == EXPR_COLUMN ? p.keys[p.n]->name : "KSQL_COL_0";

			return error_user(err,
							  "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior "
							  "due to inconsistent serialization. Key column name: `%s`. Column type: %s. See "
							  "https://github.com/confluentinc/ksql/issues/6621 for more.",
							  name, type_text(b, p.keys[p.n]->type));
		}
		p.n++;
	}
	(void)is_null;
	for (int i = 0; i < list->n; i++)
		has_star |= list->columns[i].from_star;
	n_out = p.n + input->n_columns;
	exprs = arena_array(b->arena, Expr *, n_out + 1);
	names = arena_array(b->arena, const char *, n_out + 1);
	null_for_null = arena_array(b->arena, bool, p.n + 1);
	for (int i = 0; i < p.n; i++) {
		exprs[i] = p.keys[i];
		names[i] = p.keys[i]->kind == EXPR_COLUMN ? p.keys[i]->name : ast_text(b, sb->scope, ast->partition_by[i]);
		null_for_null[i] = expr_any(p.keys[i], uses_value_column, input);
	}
	for (int i = 0; i < input->n_columns; i++) {
		exprs[p.n + i] = expr_column(b->arena, i, input->columns[i].type, input->columns[i].name);
		names[p.n + i] = input->columns[i].name;
	}
	project = logical_project(b->arena, input, exprs, names, n_out, p.n);
	((ProjectSpec *)project->spec)->key_is_null_for_null_value = null_for_null;
	if (p.n > 0)
		project = exchange_by_key(b->arena, project, NULL_KEYS_ROUND);
	sb->rows = project;
	/* The whole of `*` gives the new key first, also one that is an expression; old keys go behind the values. */
	if (has_star) {
		SelectList reordered = {.sb = sb, .next_col = list->next_col};

		for (int i = 0; i < p.n; i++) {
			BoundColumn *same = NULL;

			for (int j = 0; j < list->n && same == NULL; j++)
				if (expr_equal(list->columns[j].expr, p.keys[i]))
					same = &list->columns[j];
			if (same == NULL) {
				const AstExpr *e = ast->partition_by[i];
				const char	  *name;

				if (p.keys[i]->kind == EXPR_COLUMN)
					name = p.keys[i]->name;
				else if (e->kind == AST_FIELD)
					name = select_field_name(list, bind_name(b->context, e->name));
				else
					name = select_next_unnamed(list);
				select_list_add(&reordered,
						 (BoundColumn){.name = name, .expr = p.keys[i], .ast = e, .from_star = true, .pos = e->pos});
			}
		}
		for (int pass = 0; pass < 2; pass++)
			for (int j = 0; j < list->n; j++) {
				BoundColumn *c = &list->columns[j];
				bool		 is_old_key = c->from_star && c->expr->kind == EXPR_COLUMN && c->expr->index < input->n_key;

				for (int i = 0; i < p.n && is_old_key; i++)
					if (expr_equal(c->expr, p.keys[i]))
						is_old_key = false;
				if (is_old_key == (pass == 1))
					select_list_add(&reordered, *c);
			}
		list->columns = reordered.columns;
		list->n = reordered.n;
		list->capacity = reordered.capacity;
	}
	for (int i = 0; i < list->n; i++)
		list->columns[i].expr = expr_transform(b->arena, list->columns[i].expr, place_partition, &p);
	for (int i = 0; i < sb->n_functions; i++) {
		const Expr **args = arena_array(b->arena, const Expr *, sb->functions[i].n_args + 1);

		for (int j = 0; j < sb->functions[i].n_args; j++)
			args[j] = expr_transform(b->arena, sb->functions[i].args[j], place_partition, &p);
		sb->functions[i].args = args;
	}
	return OK;
}
