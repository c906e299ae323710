using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lepton.EndToEnd.Tests.Browsing;

/// <summary>Commands to a browser's tab: the DevTools Protocol, JSON over a web socket. Events are ignored.</summary>
internal sealed class DevTools : IAsyncDisposable
{
    private const int ChunkBytes = 64 << 10;
    private static readonly TimeSpan limit = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket socket = new();
    private readonly SemaphoreSlim sending = new(1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> asked = [];
    private readonly CancellationTokenSource stop = new();
    private Task reading = Task.CompletedTask;
    private int last;

    public static async Task<DevTools> ConnectAsync(Uri address)
    {
        DevTools tab = new();
        tab.socket.Options.Proxy = null;
        using CancellationTokenSource time = new(limit);
        await tab.socket.ConnectAsync(address, time.Token);
        tab.reading = tab.ReadAsync();
        return tab;
    }

    /// <summary>What the browser answered; its refusal is an exception.</summary>
    public async Task<JsonElement> SendAsync(string method, JsonObject parameters)
    {
        int id = Interlocked.Increment(ref last);
        TaskCompletionSource<JsonElement> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        asked[id] = answer;
        JsonObject command = new() { ["id"] = id, ["method"] = method, ["params"] = parameters };
        await sending.WaitAsync();
        try
        {
            await socket.SendAsync(
                JsonSerializer.SerializeToUtf8Bytes(command), WebSocketMessageType.Text, true, stop.Token);
        }
        finally
        {
            sending.Release();
        }
        return await answer.Task.WaitAsync(limit);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await reading;
        socket.Dispose();
        sending.Dispose();
        stop.Dispose();
    }

    private async Task ReadAsync()
    {
        byte[] chunk = new byte[ChunkBytes];
        using MemoryStream message = new();
        Exception end = new InvalidOperationException("The browser closed the tab.");
        try
        {
            while (await socket.ReceiveAsync(chunk, stop.Token) is
                { MessageType: not WebSocketMessageType.Close } part)
            {
                message.Write(chunk, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                Take(message.GetBuffer().AsMemory(0, (int)message.Length));
                message.SetLength(0);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            end = e;
        }
        foreach (TaskCompletionSource<JsonElement> waiting in asked.Values)
            waiting.TrySetException(end);
    }

    private void Take(ReadOnlyMemory<byte> message)
    {
        using JsonDocument json = JsonDocument.Parse(message);
        JsonElement root = json.RootElement;
        if (!root.TryGetProperty("id", out JsonElement id) || !asked.TryRemove(id.GetInt32(), out var waiting))
            return;
        if (root.TryGetProperty("error", out JsonElement error))
            waiting.SetException(new InvalidOperationException($"The browser refused: {error}"));
        else
            waiting.SetResult(root.GetProperty("result").Clone());
    }
}
