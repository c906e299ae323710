using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dcp;

/// <summary>One running DCP: started with the application, told to clean up when it stops.</summary>
internal sealed partial class DcpSession(
    Lazy<ToolPaths> tools, IConfiguration configuration, ILogger<DcpSession> logger) : IDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan CleanUpLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(5);

    private string? ownFolder;
    private DcpClient? client;

    public DcpClient Client
        => client ?? throw new InvalidOperationException("The orchestrator has not been started.");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string? folder = configuration["DCP_SESSION_FOLDER"];
        if (string.IsNullOrEmpty(folder))
            folder = ownFolder = Directory.CreateTempSubdirectory("aspire-dcp-").FullName;
        else
            Directory.CreateDirectory(folder);
        client = new DcpClient(await DcpProcess.StartAsync(tools.Value.Dcp, folder, cancellationToken)
            .ConfigureAwait(false));
        await WaitUntilAnsweringAsync(client, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends every process and proxy, waits until they are gone, then lets DCP end. Errors are logged: DCP also
    /// cleans up by itself once this process is gone.</summary>
    public async Task StopAsync()
    {
        if (client is null)
            return;
        try
        {
            using var limit = new CancellationTokenSource(CleanUpLimit);
            await client.PatchExecutionAsync(
                new JsonObject { ["status"] = "CleaningResources", ["shutdownResourceCleanup"] = "Full" },
                limit.Token).ConfigureAwait(false);
            while ((string?)(await client.GetExecutionAsync(limit.Token).ConfigureAwait(false))?["status"]
                != "CleanupComplete")
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token).ConfigureAwait(false);
            await client.PatchExecutionAsync(new JsonObject { ["status"] = "Stopping" }, limit.Token)
                .ConfigureAwait(false);
            await WaitUntilGoneAsync(client).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            LogCleanUpFailed(e);
        }

        RemoveOwnFolder();
    }

    public void Dispose() => client?.Dispose();

    /// <summary>So that nothing is left when this process has ended. Beyond the limit DCP ends by itself.</summary>
    private static async Task WaitUntilGoneAsync(DcpClient client)
    {
        using var limit = new CancellationTokenSource(CallLimit);
        try
        {
            while (true)
            {
                await client.GetExecutionAsync(limit.Token).ConfigureAwait(false);
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token).ConfigureAwait(false);
            }
        }
        catch (HttpRequestException)
        {
            // Nobody listens any more.
        }
    }

    private static async Task WaitUntilAnsweringAsync(DcpClient client, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        while (true)
        {
            try
            {
                await client.GetExecutionAsync(limit.Token).WaitAsync(CallLimit, limit.Token).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is HttpRequestException or TimeoutException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token).ConfigureAwait(false);
            }
        }
    }

    private void RemoveOwnFolder()
    {
        if (ownFolder is null)
            return;
        try
        {
            Directory.Delete(ownFolder, recursive: true);
        }
        catch (IOException e)
        {
            LogFolderLeft(ownFolder, e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The orchestrator did not confirm that everything ended; it goes on by itself.")]
    private partial void LogCleanUpFailed(Exception reason);

    [LoggerMessage(LogLevel.Debug, "The session folder {Folder} is left: {Reason}")]
    private partial void LogFolderLeft(string folder, string reason);
}
