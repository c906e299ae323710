using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.Search.Exports;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Tests.World;

namespace Lepton.Compliance.Tests.Search;

/// <summary>C4: exports in three forms: with proofs that hold offline, RFC 4180, and OCSF; each is itself audited.</summary>
[Collection("search")]
public sealed class ExportTests(SearchWorld world)
{
    private static readonly DateTimeOffset s_start = new(2026, 3, 20, 8, 0, 0, TimeSpan.Zero);

    private static CallOptions Options => new(deadline: DateTime.UtcNow + Calls.Patience);

    [Fact]
    public async Task Jsonl_OfEverything_IsARangeThatVerifiesOffline()
    {
        await using SearchHost host = await FilledAsync(700, 21);

        (byte[] export, int pieces) = await ExportAsync(host.As("platform"), new ExportEntriesRequest
        {
            Format = ExportFormat.Jsonl,
        });

        ExportReport report = await VerifyAsync(export);
        Assert.Equal([], report.Faults);
        Assert.Equal((700L, ExportMode.Range), (report.Entries, report.Header!.Mode));
        Assert.True(pieces > 1);
        Assert.DoesNotContain("lepton/p1", Encoding.UTF8.GetString(export), StringComparison.Ordinal); // sealed
        AuditEvent asked = Assert.Single(host.Log.Events, e => e.Action == "audit.export.requested");
        AuditEvent ended = Assert.Single(host.Log.Events, e => e.Action == "audit.export");
        Assert.Equal(("tenant/platform", "jsonl", "700"),
            (asked.Actor.Principal, asked.Details["format"], ended.Details["entries"]));
    }

    [Fact]
    public async Task Jsonl_OfOneTenant_IsASelectionWithAProofEach()
    {
        await using SearchHost host = await FilledAsync(300, 22);
        TreeHead earlier = await host.SignAsync();
        await host.WriteAsync(new SeededEvents(4).Next(s_start));
        await host.SignAsync();

        (byte[] export, _) = await ExportAsync(host.As("harbour-bank"), new ExportEntriesRequest
        {
            Format = ExportFormat.Jsonl, SinceSize = earlier.Size,
        });

        ExportReport report = await VerifyAsync(export, earlier);
        Assert.Equal([], report.Faults);
        Assert.Equal(ExportMode.Selection, report.Header!.Mode);
        Assert.True(report.Entries is > 20 and < 200);
        // Whatever is changed in it is found.
        string text = Encoding.UTF8.GetString(export);
        string[] lines = text.Split('\n');
        Assert.NotEmpty((await VerifyAsync(Encoding.UTF8.GetBytes(
            string.Join('\n', lines.Where((_, i) => i != 3))))).Faults);
        Assert.NotEmpty((await VerifyAsync(Encoding.UTF8.GetBytes(
            text.Replace("\"outcome\":1", "\"outcome\":2", StringComparison.Ordinal)))).Faults);
    }

    [Fact]
    public async Task Jsonl_OfATime_HasTheEntriesOfThatTimeAndVerifies()
    {
        await using SearchHost host = await FilledAsync(200, 23, TimeSpan.FromHours(9));
        AuditFilter filter = new()
        {
            FromTime = s_start.AddDays(10).ToTimestamp(), ToTime = s_start.AddDays(40).ToTimestamp(),
        };
        int expected = (await host.As("platform").SearchEntriesAsync(
            new SearchEntriesRequest { Filter = filter, PageSize = 1000 }, Options)).Entries.Count;

        (byte[] export, _) = await ExportAsync(host.As("platform"), new ExportEntriesRequest
        {
            Format = ExportFormat.Jsonl, Filter = filter,
        });

        ExportReport report = await VerifyAsync(export);
        Assert.Equal([], report.Faults);
        Assert.Equal((expected, ExportMode.Range), ((int)report.Entries, report.Header!.Mode));
        Assert.True(expected is > 10 and < 190);
    }

    [Fact]
    public async Task Csv_AwkwardTexts_ReadBackAsTheyWere()
    {
        await using SearchHost host = await world.AloneAsync();
        AuditEvent e = new SeededEvents(6).Next(s_start);
        (e.Message, e.Resource, e.Reason, e.Tenant) = ("says \"no\", twice\r\nand more", "=SUM(A1)", "ok", "demo");
        e.Actor = new AuditActor { Principal = "@lepton/anna" };
        await host.WriteAsync(e, new SeededEvents(7).Next(s_start));
        await host.SignAsync();

        (byte[] export, _) = await ExportAsync(host.As("platform"), new ExportEntriesRequest
        {
            Format = ExportFormat.Csv,
        });

        List<string[]> rows = Rows(Encoding.UTF8.GetString(export));
        Assert.Equal(CsvForm.Names, rows[0]);
        Assert.Equal(3, rows.Count);
        Assert.All(rows, row => Assert.Equal(CsvForm.Names.Count, row.Length));
        string Cell(string name) => rows[1][CsvForm.Names.ToList().IndexOf(name)];
        Assert.Equal((e.Message, "'=SUM(A1)", "'@lepton/anna", e.Id),
            (Cell("message"), Cell("resource"), Cell("actor"), Cell("event_id")));
    }

    [Fact]
    public async Task Ocsf_EachEvent_HasWhatItsClassRequires()
    {
        await using SearchHost host = await FilledAsync(250, 24);

        (byte[] export, _) = await ExportAsync(host.As("platform"), new ExportEntriesRequest
        {
            Format = ExportFormat.Ocsf,
        });

        string[] lines = Encoding.UTF8.GetString(export).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(250, lines.Length);
        HashSet<int> classes = [];
        foreach (string line in lines)
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement root = json.RootElement;
            int classUid = Whole(root, "class_uid"), activity = Whole(root, "activity_id");
            classes.Add(classUid);
            Assert.Equal(classUid / 1000, Whole(root, "category_uid"));
            Assert.Equal((classUid * 100) + activity, Whole(root, "type_uid"));
            Assert.InRange(Whole(root, "severity_id"), 1, 6);
            Assert.InRange(root.GetProperty("time").GetInt64(), 1_770_000_000_000, 1_800_000_000_000);
            JsonElement metadata = root.GetProperty("metadata");
            Assert.Equal("1.3.0", metadata.GetProperty("version").GetString());
            Assert.NotEqual("", metadata.GetProperty("product").GetProperty("vendor_name").GetString());
            if (classUid == 3002)
            {
                Assert.NotEqual("", root.GetProperty("user").GetProperty("name").GetString());
                Assert.NotEqual("", root.GetProperty("service").GetProperty("name").GetString());
                continue;
            }
            Assert.Equal(6003, classUid);
            Assert.NotEqual("", root.GetProperty("api").GetProperty("operation").GetString());
            Assert.NotEqual("", root.GetProperty("actor").GetProperty("user").GetProperty("name").GetString());
            Assert.NotEmpty(root.GetProperty("src_endpoint").EnumerateObject());
        }
        Assert.Equal([3002, 6003], classes.Order());
    }

    [Fact]
    public async Task Export_WithoutAnAuditLogOrTheRight_GivesNothingOut()
    {
        await using SearchHost host = await FilledAsync(20, 25);
        host.Log.IsFull = true;
        Assert.Equal("AUDIT_UNAVAILABLE", await Calls.RefusalAsync(() => ExportAsync(
            host.As("platform"), new ExportEntriesRequest { Format = ExportFormat.Csv })));
        host.Log.IsFull = false;

        Assert.Equal("CALLER_NOT_ALLOWED", await Calls.RefusalAsync(() => ExportAsync(
            host.As("demo"), new ExportEntriesRequest { Format = ExportFormat.Csv }))); // an auditor reads
        Assert.Equal("CALLER_NOT_ALLOWED", await Calls.RefusalAsync(() => ExportAsync(host.As("harbour-bank"),
            new ExportEntriesRequest { Format = ExportFormat.Csv, Filter = new AuditFilter { Tenant = "demo" } })));
        Assert.Equal("FIELD_INVALID", await Calls.RefusalAsync(() => ExportAsync(
            host.As("platform"), new ExportEntriesRequest())));
        Assert.Equal("FIELD_INVALID", await Calls.RefusalAsync(() => ExportAsync(
            host.As("platform"), new ExportEntriesRequest { Format = ExportFormat.Jsonl, SinceSize = 21 })));
    }

    [Fact]
    public async Task Jsonl_OfALogThatWasChanged_DoesNotVerify()
    {
        await using SearchHost host = await FilledAsync(50, 26);
        await host.SqlAsync("UPDATE audit_entries SET tenant = 'nobody' WHERE sequence = 9");

        (byte[] export, _) = await ExportAsync(host.As("platform"), new ExportEntriesRequest
        {
            Format = ExportFormat.Jsonl,
        });

        Assert.Contains((await VerifyAsync(export)).Faults, f => f.Contains("entry 9", StringComparison.Ordinal));
    }

    private async Task<SearchHost> FilledAsync(int count, int seed, TimeSpan step = default)
    {
        SearchHost host = await world.AloneAsync();
        SeededEvents seeded = new(seed);
        for (int i = 0; i < count; i += 10)
        {
            host.Time.Advance(step == default ? TimeSpan.FromMinutes(1) : step * 10);
            await host.WriteAsync([.. Enumerable.Range(0, 10).Select(_ => seeded.Next(host.Time.GetUtcNow()))]);
        }
        await host.SignAsync();
        return host;
    }

    private async Task<ExportReport> VerifyAsync(byte[] export, TreeHead? since = null)
    {
        using X509Certificate2 authority = X509CertificateLoader.LoadCertificateFromFile(
            world.Installation.AuthorityFile);
        return await new ExportVerifier(authority, since, 0).VerifyAsync(new MemoryStream(export), default);
    }

    private static async Task<(byte[] Bytes, int Pieces)> ExportAsync(
        AuditSearchService.AuditSearchServiceClient client, ExportEntriesRequest request)
    {
        using AsyncServerStreamingCall<ExportEntriesResponse> call = client.ExportEntries(request, Options);
        MemoryStream all = new();
        int pieces = 0;
        await foreach (ExportEntriesResponse piece in call.ResponseStream.ReadAllAsync())
        {
            Assert.InRange(piece.Data.Length, 1, ChunkStream.PieceBytes);
            all.Write(piece.Data.Span);
            pieces++;
        }
        return (all.ToArray(), pieces);
    }

    private static int Whole(JsonElement root, string name) => root.GetProperty(name).GetInt32();

    /// <summary>RFC 4180, 2, as its grammar says.</summary>
    private static List<string[]> Rows(string text)
    {
        List<string[]> rows = [];
        List<string> row = [];
        StringBuilder cell = new();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quoted && c == '"' && i + 1 < text.Length && text[i + 1] == '"')
                cell.Append(text[++i]);
            else if (c == '"')
                quoted = !quoted;
            else if (!quoted && c == ',')
                Close();
            else if (!quoted && c == '\r' && text[i + 1] == '\n')
            {
                Close();
                rows.Add([.. row]);
                row.Clear();
                i++;
            }
            else
                cell.Append(c);
        }
        Assert.Empty(row); // the last line ends, too
        return rows;

        void Close()
        {
            row.Add(cell.ToString());
            cell.Clear();
        }
    }
}
