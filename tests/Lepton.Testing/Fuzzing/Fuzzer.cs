using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Lepton.Testing.Fuzzing;

/// <summary>
/// Sends wrong requests to every method of a service and looks at each answer. Case N of a seed is always the same
/// request. <c>LEPTON_FUZZ_SEED</c> sets the seed, <c>LEPTON_FUZZ_CASE</c> runs one case alone.
/// </summary>
/// <param name="targets">The methods.</param>
/// <param name="words">Texts that mean something to the service.</param>
/// <param name="test">The test's full name, for the command that replays a failure.</param>
public sealed class Fuzzer(IReadOnlyList<FuzzTarget> targets, IReadOnlyList<string> words, string test)
{
    private const int AtOnce = 8;
    private const int ReportedMax = 50;
    private const int Unimplemented = 12;

    // A call that is not answered by then hangs: the deadline that it came with is far shorter.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, string> failures = []; // the first of each kind

    /// <summary>The most memory that the process was seen to use while it ran, in bytes.</summary>
    public long WorkingSetMax { get; private set; }

    /// <summary>Requests sent.</summary>
    public int Sent { get; private set; }

    /// <summary>Runs cases one after another, a few at once.</summary>
    /// <returns>What went wrong, and how to replay it; empty: nothing.</returns>
    public async Task<string> RunAsync(int seed, int cases)
    {
        var only = Variable("LEPTON_FUZZ_CASE");
        seed = Variable("LEPTON_FUZZ_SEED") ?? seed;
        var numbers = only is { } one ? [one] : Enumerable.Range(0, cases);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = AtOnce };
        await Parallel.ForEachAsync(numbers, parallel, async (number, _) => await RunOneAsync(seed, number));
        return failures.Count == 0 ? "" : $"seed {seed}, {Sent} requests: {failures.Count} kinds of wrong "
            + $"answers\n{string.Join('\n', failures.Values.Take(ReportedMax))}";
    }

    private async Task RunOneAsync(int seed, int number)
    {
        // Every kind meets every method, whatever the number of cases.
        var target = targets[number % targets.Count];
        var random = new Random(HashCode(seed, number));
        var request = new FuzzRequests(random, new RandomMessages(random, words))
            .Make(target, number / targets.Count % FuzzRequests.Kinds);
        var answer = await SendAsync(target, request);
        var got = answer.Http == (int)HttpStatusCode.OK ? answer.Grpc : answer.Http;
        lock (failures)
        {
            Sent++;
            WorkingSetMax = Math.Max(WorkingSetMax, Environment.WorkingSet);
            if (!request.Expected.Contains(got) && (target.IsOffered || got != Unimplemented))
                failures.TryAdd($"{target.Path} {request.Kind} {got}", $"case {number}: {target.Path}: "
                    + $"{request.Kind}: HTTP {answer.Http}, gRPC {answer.Grpc} "
                    + $"\"{answer.Text}\", expected {string.Join(" or ", request.Expected)}; replay: LEPTON_FUZZ_SEED="
                    + $"{seed} LEPTON_FUZZ_CASE={number} dotnet test -c Release --filter FullyQualifiedName~{test}");
        }
    }

    private static async Task<FuzzAnswer> SendAsync(FuzzTarget target, FuzzRequest request)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var message = new HttpRequestMessage(request.Method,
            new Uri(target.Address.GetLeftPart(UriPartial.Authority) + (request.Path ?? target.Path)))
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (request.Method == HttpMethod.Post)
        {
            message.Content = new ByteArrayContent(request.Body);
            if (request.ContentType is { } type)
                message.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        }
        message.Headers.TryAddWithoutValidation("te", "trailers");
        foreach (var (name, value) in target.Headers())
            message.Headers.TryAddWithoutValidation(name, value);
        // A server's stream has no end of its own.
        if (request.Headers.All(h => h.Key != "grpc-timeout"))
            message.Headers.TryAddWithoutValidation("grpc-timeout", target.Method.IsServerStreaming ? "500m" : "5S");
        foreach (var (name, value) in request.Headers)
            message.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using var response = await target.Client.SendAsync(message, limit.Token);
            await response.Content.LoadIntoBufferAsync(limit.Token);
            return new FuzzAnswer((int)response.StatusCode, Status(response), Text(response));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return new FuzzAnswer(0, -1, limit.IsCancellationRequested
                ? "no answer"
                : e.ToString().ReplaceLineEndings(" "));
        }
    }

    private static int Status(HttpResponseMessage response) =>
        Value(response, "grpc-status") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : -1;

    private static string Text(HttpResponseMessage response) => Value(response, "grpc-message") ?? "";

    private static string? Value(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var trailers) ? trailers.Single()
        : response.Headers.TryGetValues(name, out var headers) ? headers.Single()
        : null;

    // The same in every process, which System.HashCode is not.
    private static int HashCode(int seed, int number) => unchecked((int)(((uint)seed * 2654435761u) ^ (uint)number));

    private static int? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : null;
}
