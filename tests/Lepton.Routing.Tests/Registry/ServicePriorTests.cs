using Lepton.Routing.Balancing;
using Lepton.Routing.Registry;

namespace Lepton.Routing.Tests.Registry;

public sealed class ServicePriorTests
{
    private static ServedModel Model(double seconds, bool idle, string provider = "cpu") =>
        new("ocr", "1", true, 2, 4, 0, 0, seconds, provider, new Lane()) { Idle = idle };

    [Fact]
    public void For_IdleAfterAColdStart_IsBelievedAsGoodAsItsPeers()
    {
        ServedModel cold = Model(2.4, idle: true), warm = Model(0.2, idle: false), slow = Model(0.9, idle: false);
        ServicePrior prior = ServicePrior.Of([cold, warm, slow, null], []);
        Assert.Equal((0.2, 0.2, 0.9), (prior.For(cold), prior.For(warm), prior.For(slow)));
    }

    [Fact]
    public void For_OtherKind_KeepsItsOwnMeasure()
    {
        ServedModel gpu = Model(0.02, idle: false, "cuda"), cpu = Model(0.4, idle: true),
            fresh = Model(0, idle: true, "tpu");
        ServicePrior prior = ServicePrior.Of([gpu, cpu, fresh], []);
        Assert.Equal((0.4, 0.02), (prior.For(cpu), prior.For(fresh)));
        Assert.Equal(0.05, ServicePrior.Of([fresh], []).For(fresh));
    }
}
