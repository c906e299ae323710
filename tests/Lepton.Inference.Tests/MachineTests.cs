using Lepton.Inference.Agent;

namespace Lepton.Inference.Tests;

public sealed class MachineTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("lepton-machine-").FullName;
    private readonly Clock _clock = new();

    [Fact]
    public void Read_InACgroup_CountsItsQuotaAndUse()
    {
        Write("sys/fs/cgroup/cpu.max", "150000 100000\n");
        Write("sys/fs/cgroup/cpu.stat", "usage_usec 1000000\nuser_usec 1\n");
        Network(1_000, 500);
        var machine = new LinuxMachine(_clock, _root);
        var first = machine.Read();
        Write("sys/fs/cgroup/cpu.stat", "usage_usec 2500000\nuser_usec 1\n");
        Network(21_000, 4_500);
        _clock.Advance(TimeSpan.FromSeconds(2));

        var second = machine.Read();

        Assert.Equal((0.0, 1.5), (first.CpuUtilization, first.CpuCount));
        Assert.Equal(0.5, second.CpuUtilization, 6); // 1.5 s of 2 s × 1.5 processors
        Assert.Equal((10_000.0, 2_000.0), (second.ReceiveBytesPerSecond, second.TransmitBytesPerSecond));
    }

    [Fact]
    public void Read_WithoutCgroup_CountsTheMachine()
    {
        Write("proc/stat", "cpu  100 0 100 1000 50 0 0 0 0 0\n");
        var machine = new LinuxMachine(_clock, _root);
        machine.Read();
        // 2 s on every processor, half of it busy.
        var half = 100 * Environment.ProcessorCount;
        Write("proc/stat", $"cpu  {100 + half} 0 100 {1000 + half} 50 0 0 0 0 0\n");
        _clock.Advance(TimeSpan.FromSeconds(2));

        var load = machine.Read();

        Assert.Equal(0.5, load.CpuUtilization, 6);
        Assert.Equal(Environment.ProcessorCount, load.CpuCount);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void Network(long received, long sent) => Write("proc/net/dev",
        "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n"
        + "    lo: 999999 1 0 0 0 0 0 0 999999 1 0 0 0 0 0 0\n"
        + $"  eth0: {received} 1 0 0 0 0 0 0 {sent} 1 0 0 0 0 0 0\n");

    private void Write(string path, string text)
    {
        var file = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file) ?? _root);
        File.WriteAllText(file, text);
    }

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan by) => _now += by.Ticks;
    }
}
