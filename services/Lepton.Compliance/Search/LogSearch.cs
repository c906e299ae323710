using System.Collections.Concurrent;
using System.Globalization;
using Lepton.Compliance.Audit;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Compliance.Search;

/// <summary>A search would have read for too long.</summary>
internal sealed class SearchTooBroadException(string message) : Exception(message);

/// <summary>What one log has.</summary>
/// <param name="Entries">In the order that was asked for.</param>
/// <param name="End">The place after the log's last entry when it was asked; or the bound that was given.</param>
internal sealed record LogPage(IReadOnlyList<StoredEntry> Entries, long End);

/// <summary>
/// Finds entries in this service's own log. It goes through the months by itself, from the end that is asked for, and
/// stops when it has enough: time of writing and place ascend together, so what a later month has comes first. A
/// month's plan is made from that month's statistics and the values asked for.
/// </summary>
internal sealed class LogSearch(
    AuditDatabase database, PersonKeys keys, LogName log, IOptions<SearchOptions> options, TimeProvider time)
{
    private const int BranchesMax = 16;

    // Of months that are over, which never change: as many as are kept. So a page from long ago asks no later month.
    private readonly ConcurrentDictionary<DateTime, (long From, long To)> _closed = [];

    /// <summary>The newest before a place.</summary>
    /// <param name="filter">What to find.</param>
    /// <param name="tenants">Under which a person may be known, where the filter names no tenant.</param>
    /// <param name="before">0: from the end.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<LogPage> NewestAsync(
        EntryFilter filter, IReadOnlyCollection<string> tenants, long before, int count,
        CancellationToken cancellationToken) =>
        FindAsync(filter, tenants, 1, before == 0 ? long.MaxValue : before - 1, count, false, cancellationToken);

    /// <summary>The oldest after a place and not after another.</summary>
    public Task<LogPage> OldestAsync(
        EntryFilter filter, IReadOnlyCollection<string> tenants, long after, long last, int count,
        CancellationToken cancellationToken) =>
        FindAsync(filter, tenants, after + 1, last, count, true, cancellationToken);

    private async Task<LogPage> FindAsync(
        EntryFilter filter, IReadOnlyCollection<string> tenants, long first, long last, int count, bool oldestFirst,
        CancellationToken cancellationToken)
    {
        SearchSql sql = new(filter, Indexes(filter.Actor, filter, tenants), Indexes(filter.Subject, filter, tenants));
        Task<LogPage> OnceAsync() => database.UseAsync(async (connection, token) =>
        {
            try
            {
                return await FindAsync(connection, sql, filter, first, last, count, oldestFirst, token);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.QueryCanceled)
            {
                throw TooBroad();
            }
        }, cancellationToken);
        try
        {
            return await OnceAsync();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return await OnceAsync(); // a month that was over was dropped after it was listed
        }
    }

    private async Task<LogPage> FindAsync(
        NpgsqlConnection connection, SearchSql sql, EntryFilter filter, long first, long last, int count,
        bool oldestFirst, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        await using var transaction = await BeginAsync(connection, cancellationToken);
        var months = await Months.ListAsync(connection, Months.Entries, cancellationToken);
        var (newest, written) = await EndAsync(connection, months, cancellationToken);
        var end = Math.Min(last, written);
        List<StoredEntry> found = [];
        if (sql.IsEmpty || first > end)
            return new LogPage(found, end + 1);
        foreach (var month in oldestFirst ? months : months.AsEnumerable().Reverse())
        {
            if (month > newest || month >= filter.To || month.AddMonths(1) <= filter.From)
                continue;
            var partition = Months.NameOf(Months.Entries, month);
            var (from, to) = month == newest
                ? (1, end) : await PlacesAsync(connection, partition, month, cancellationToken);
            if (from > end || to < first)
                continue;
            (from, to) = await BoundsAsync(connection, partition, month, filter, from, to, cancellationToken);
            (from, to) = (Math.Max(from, first), Math.Min(to, end));
            if (from > to)
                continue;
            await using (var command = sql.Command(
                connection, partition, from, to, count - found.Count, oldestFirst))
            {
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                while (await reader.ReadAsync(cancellationToken))
                    found.Add(EntryTable.Read(reader));
            }
            if (found.Count >= count)
                break;
            if (time.GetElapsedTime(started) > options.Value.TimeMax)
                throw TooBroad();
        }
        return new LogPage(found, end + 1);
    }

    // Plans are made for the values: a generic one cannot know a common word from a rare one. A month that is dropped
    // meanwhile waits for the transaction.
    private async Task<NpgsqlTransaction> BeginAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var milliseconds = ((long)options.Value.TimeMax.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        await using NpgsqlCommand command = new(
            $"""
            SET TRANSACTION READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan;
            SET LOCAL statement_timeout = {milliseconds}
            """, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return transaction;
    }

    /// <summary>The newest month that has entries, and the last place.</summary>
    private static async Task<(DateTime Month, long Sequence)> EndAsync(
        NpgsqlConnection connection, List<DateTime> months, CancellationToken cancellationToken)
    {
        foreach (var month in months.AsEnumerable().Reverse()) // those made ahead are empty
        {
            var partition = Months.NameOf(Months.Entries, month);
            if (await SequenceAsync(connection, partition, "max", cancellationToken) is { } end)
                return (month, end);
        }
        return (default, 0);
    }

    /// <summary>The places of a month that is over: a later one has entries, and time never goes back in a
    /// log.</summary>
    private async Task<(long From, long To)> PlacesAsync(
        NpgsqlConnection connection, string partition, DateTime month, CancellationToken cancellationToken)
    {
        if (_closed.TryGetValue(month, out var known))
            return known;
        var places = await SequenceAsync(connection, partition, "min", cancellationToken) is { } lowest
            && await SequenceAsync(connection, partition, "max", cancellationToken) is { } highest
                ? (lowest, highest) : (1L, 0L);
        _closed[month] = places;
        return places;
    }

    /// <summary>Those of a month's places that are within the filter's times.</summary>
    private static async Task<(long From, long To)> BoundsAsync(
        NpgsqlConnection connection, string partition, DateTime month, EntryFilter filter, long from, long to,
        CancellationToken cancellationToken)
    {
        if (filter.From is { } begin && begin > month)
            from = await FirstAtAsync(connection, partition, from, to, begin, cancellationToken);
        if (filter.To is { } end && end < month.AddMonths(1))
            to = await FirstAtAsync(connection, partition, from, to, end, cancellationToken) - 1;
        return (from, to);
    }

    /// <summary>The first place written at a time or later: times ascend with places, so by halving.</summary>
    private static async Task<long> FirstAtAsync(
        NpgsqlConnection connection, string partition, long lowest, long highest, DateTime at,
        CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(
            $"SELECT write_time FROM {partition} WHERE sequence >= $1 ORDER BY sequence LIMIT 1", connection);
        command.Parameters.Add(Sql.Of(lowest));
        var (low, high) = (lowest, highest + 1);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            ((NpgsqlParameter<long>)command.Parameters[0]).TypedValue = middle;
            if (await command.ExecuteScalarAsync(cancellationToken) is DateTime written && written < at)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private static async Task<long?> SequenceAsync(
        NpgsqlConnection connection, string partition, string which, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new($"SELECT {which}(sequence) FROM {partition}", connection);
        return await command.ExecuteScalarAsync(cancellationToken) as long?;
    }

    /// <summary>What stands in this log's entries of a person.</summary>
    private byte[][] Indexes(string name, EntryFilter filter, IReadOnlyCollection<string> tenants)
    {
        if (name.Length == 0)
            return [];
        byte[][] indexes =
        [
            .. (filter.Tenant.Length > 0 ? [filter.Tenant] : tenants)
                .SelectMany(tenant => keys.Of(keys.HandleOf(tenant, name)))
                .Where(key => key.Log == log.Value && !key.IsDestroyed)
                .Select(key => key.Index),
        ];
        return indexes.Length <= BranchesMax
            ? indexes
            : throw new SearchTooBroadException(
                $"{indexes.Length} tenants know a person of that name: name the tenant.");
    }

    private SearchTooBroadException TooBroad() => new(
        $"It would take longer than {options.Value.TimeMax} ({SearchOptions.Section}:TimeMax): narrow it by actor, "
        + "resource, action, tenant or time.");
}
