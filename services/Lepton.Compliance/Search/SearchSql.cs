using Lepton.Compliance.Audit.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Lepton.Compliance.Search;

/// <summary>
/// The statement that finds entries in one month's partition. A person may be found by several indexes: each is a
/// branch of its own, read newest first from its index, and what they find is merged; an OR would be sorted whole.
/// </summary>
internal sealed class SearchSql
{
    private readonly List<string> _common = [];
    private readonly List<IReadOnlyList<string>> _alternatives = [];
    private readonly List<Func<NpgsqlParameter>> _parameters = [];

    /// <param name="filter">What to find; its times are the caller's affair.</param>
    /// <param name="actorIndexes">Of the person that the filter names as actor.</param>
    /// <param name="subjectIndexes">Of the person that it names as subject.</param>
    public SearchSql(EntryFilter filter, IReadOnlyList<byte[]> actorIndexes, IReadOnlyList<byte[]> subjectIndexes)
    {
        Equal("tenant", filter.Tenant);
        // The partial indexes' own conditions are said, so that no planner must guess that they follow.
        Equal("resource", filter.Resource, " AND resource <> ''");
        Equal("action", filter.Action);
        Equal("trace_id", filter.TraceId, " AND trace_id <> ''");
        Equal("decision_id", filter.DecisionId, " AND decision_id <> ''");
        Equal("service", filter.Service);
        if (filter.Category != 0)
            _common.Add($"category = {Add(() => Small(filter.Category))}");
        if (filter.Outcome != 0)
            _common.Add($"outcome = {Add(() => Small(filter.Outcome))}"
                + (filter.Outcome == 1 ? "" : " AND outcome <> 1"));
        if (filter.EventId is { } id)
            _common.Add($"event_id = {Add(() => Sql.Of(id))}");
        foreach (var word in filter.Words)
            _common.Add($"to_tsvector('simple', text) @@ {Query(word)}");
        if (filter.Actor.Length > 0)
            _alternatives.Add([
                $"actor = {Add(() => Sql.Of(filter.Actor))} AND actor <> ''",
                .. actorIndexes.Select(index => $"actor_index = {Add(() => Sql.Of(index))}"),
            ]);
        if (filter.Subject.Length > 0)
            _alternatives.Add([.. subjectIndexes.Select(index => $"subject_index = {Add(() => Sql.Of(index))}")]);
    }

    /// <summary>Nothing can be found: the person that is named has no key here.</summary>
    public bool IsEmpty => _alternatives.Any(a => a.Count == 0);

    /// <summary>The statement for one partition.</summary>
    /// <param name="partition">Its name: of this program's own making.</param>
    /// <param name="first">From this place on.</param>
    /// <param name="last">Up to this place.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="oldestFirst">In which order.</param>
    public NpgsqlCommand Command(
        NpgsqlConnection connection, string partition, long first, long last, int count, bool oldestFirst)
    {
        var order = oldestFirst ? "ORDER BY sequence" : "ORDER BY sequence DESC";
        var at = _parameters.Count;
        var range = $"sequence BETWEEN ${at + 1} AND ${at + 2}";
        string[] branches =
        [
            .. Branches(0).Select(branch => $"SELECT {EntryTable.Names} FROM {partition} WHERE "
                + $"{string.Join(" AND ", _common.Append(range).Concat(branch))} {order} LIMIT ${at + 3}"),
        ];
        var text = branches.Length == 1
            ? branches[0]
            : $"SELECT {EntryTable.Names} FROM ({string.Join(" UNION ALL ", branches.Select(b => $"({b})"))}) found "
                + $"{order} LIMIT ${at + 3}";
        NpgsqlCommand command = new(text, connection);
        foreach (var parameter in _parameters)
            command.Parameters.Add(parameter());
        command.Parameters.Add(Sql.Of(first));
        command.Parameters.Add(Sql.Of(last));
        command.Parameters.Add(Sql.Of((long)count));
        return command;
    }

    private IEnumerable<string[]> Branches(int from) => from == _alternatives.Count
        ? [[]]
        : _alternatives[from].SelectMany(a => Branches(from + 1).Select(rest => (string[])[a, .. rest]));

    private void Equal(string column, string value, string more = "")
    {
        if (value.Length > 0)
            _common.Add($"{column} = {Add(() => Sql.Of(value))}{more}");
    }

    // The dictionary reads a word as it read the text: a name with a stroke in it is found, too.
    private string Query(string word) => word.EndsWith('*')
        ? $"to_tsquery('simple', {Add(() => Sql.Of($"'{Quoted(word.TrimEnd('*'))}':*"))})"
        : $"plainto_tsquery('simple', {Add(() => Sql.Of(word))})";

    private static string Quoted(string word) => word.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("'", "''", StringComparison.Ordinal);

    // A parameter belongs to one command: it is made anew for each.
    private string Add(Func<NpgsqlParameter> parameter)
    {
        _parameters.Add(parameter);
        return $"${_parameters.Count}";
    }

    private static NpgsqlParameter<short> Small(short value) =>
        new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Smallint };
}
