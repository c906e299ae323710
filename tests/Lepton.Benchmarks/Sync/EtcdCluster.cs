using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Benchmarks.Gateway;
using Lepton.Testing;

namespace Lepton.Benchmarks.Sync;

/// <summary>Debian's etcd: three members on loopback with its defaults: every write is on two disks.</summary>
internal sealed class EtcdCluster : IAsyncDisposable
{
    private const int Members = 3;
    private static readonly (string Package, string Version)[] packages = [("etcd-server", "3.4.23-4+b4")];
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(60);

    // etcd's API v3: of PutRequest the fields key (1) and value (2); of the answer nothing is needed.
    private static readonly Method<PutRequest, object> put = new(MethodType.Unary, "etcdserverpb.KV", "Put",
        Marshallers.Create<PutRequest>(Write, _ => throw new NotSupportedException()), Marshallers.Create<object>(
            _ => throw new NotSupportedException(), _ => new object()));

    private readonly List<Child> _members = [];
    private readonly List<GrpcChannel> _channels = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("lepton-etcd-").FullName;

    private EtcdCluster()
    {
    }

    public static async Task<EtcdCluster> StartAsync()
    {
        string root = Path.Combine(Bench.Home(), "tools", "sync-etcd");
        DebianPackages.Ensure(root, "bench sync", packages);
        EtcdCluster cluster = new();
        (string Peer, string Client)[] urls =
            [.. Enumerable.Range(0, Members).Select(_ => (Plain(FreeAddress.Url()), Plain(FreeAddress.Url())))];
        string all = string.Join(',', urls.Select((u, i) => $"m{i}={u.Peer}"));
        string cores = string.Create(CultureInfo.InvariantCulture, $"0-{Environment.ProcessorCount - 1}");
        foreach ((int i, (string peer, string client)) in urls.Index())
        {
            cluster._members.Add(Child.Start($"etcd m{i}", cores, new Dictionary<string, string>(),
                Path.Combine(root, "usr/bin/etcd"), "--name", $"m{i}",
                "--data-dir", Path.Combine(cluster._folder, $"m{i}"), "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--listen-client-urls", client,
                "--advertise-client-urls", client, "--initial-cluster", all, "--initial-cluster-state", "new",
                "--logger", "zap", "--log-level", "error", "--log-outputs", "stderr"));
            cluster._channels.Add(GrpcChannel.ForAddress(client));
        }
        await cluster.AnsweringAsync();
        return cluster;
    }

    /// <summary>A write through one of the members.</summary>
    public async Task PutAsync(int client, byte[] key, byte[] value)
    {
        CallInvoker invoker = _channels[client % Members].CreateCallInvoker();
        await invoker.AsyncUnaryCall(put, null, new CallOptions(deadline: DateTime.UtcNow + patience),
            new PutRequest(key, value));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (GrpcChannel channel in _channels)
            channel.Dispose();
        foreach (Child member in _members)
            await member.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    // Until there is a leader, a write is refused or waits.
    private async Task AnsweringAsync()
    {
        using CancellationTokenSource enough = new(patience);
        while (true)
        {
            try
            {
                for (int i = 0; i < Members; i++)
                    await PutAsync(i, "ready"u8.ToArray(), "yes"u8.ToArray());
                return;
            }
            catch (RpcException) when (!enough.IsCancellationRequested && _members.All(m => !m.HasExited))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), enough.Token);
            }
        }
    }

    private static string Plain(string url) => url.Replace("https:", "http:", StringComparison.Ordinal);

    private static byte[] Write(PutRequest request)
    {
        ByteString key = UnsafeByteOperations.UnsafeWrap(request.Key);
        ByteString value = UnsafeByteOperations.UnsafeWrap(request.Value);
        int size = CodedOutputStream.ComputeBytesSize(key) + CodedOutputStream.ComputeBytesSize(value);
        byte[] bytes = new byte[2 + size];
        using CodedOutputStream output = new(bytes);
        output.WriteTag(1, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(key);
        output.WriteTag(2, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(value);
        output.Flush();
        return bytes;
    }

    private sealed record PutRequest(byte[] Key, byte[] Value);
}
